"""The command ``anysyn-bids``, with the signature of BIDS Apps, whose options take several words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer

from anysyn.cli.terminal.outcome import STOPPED, attempt, print_lines, printed
from anysyn.cli.terminal.shared_options import RUN
from anysyn.cli.terminal.words import words

ABOUT = "Synthesize the contrasts that participants lack. What it writes is synthetic and not for clinical use."
OPTIONS = ("targets", "sources", "resample_to", "dataset", "batch", "accelerator", "overwrite", "anyway")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the BIDS App: 0 if all participants were completed, 1 if some failed, 2 for a command that is none.

    Args:
        arguments: The words of the command line; those of the process by default.
    """
    given = _parser().parse_args(arguments)
    try:
        attempt(lambda: _run(given))
    except typer.Exit as end:
        return end.exit_code
    except KeyboardInterrupt:
        print_lines(["stopped; call it again: what is finished is kept"], err=True)
        return STOPPED
    return 0


def _run(given: argparse.Namespace) -> Any:
    from anysyn.bids_app import complete_participants
    from anysyn.progress import Bar

    options = {name: getattr(given, name) for name in OPTIONS}
    options |= {name: words(options[name]) for name in ("targets", "sources")}
    labels = None if given.participant_label is None else [word for each in given.participant_label for word in each]
    ask = {"model": given.model, "participants": labels, "progress": Bar(), **options}
    return printed(complete_participants(given.bids_dir, given.output_dir, **ask))


def _labels(text: str) -> list[str]:
    return words(text) or []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("anysyn-bids", description=ABOUT, allow_abbrev=False)
    parser.add_argument("bids_dir", type=Path, help="The BIDS dataset.")
    parser.add_argument("output_dir", type=Path, help="The derivative, for example BIDS_DIR/derivatives/anysyn.")
    parser.add_argument("analysis_level", choices=["participant"], help="There is no group level.")
    parser.add_argument(
        "--participant-label",
        "--participant_label",
        nargs="+",
        type=_labels,
        metavar="LABEL",
        help="01 02, with sub- or without; all by default.",
    )
    parser.add_argument("--model", required=True, help=RUN)
    parser.add_argument("--targets", help="T2w,FLAIR instead of all that the run was trained for.")
    parser.add_argument("--sources", help="T1w,T2w: what may be shown, best first.")
    parser.add_argument("--resample-to", help="Source whose grid the others are resampled to.")
    parser.add_argument("--dataset", help="Treat inputs as this training dataset, or as their mean.")
    parser.add_argument("--batch", type=int, default=8, help="Slices or patches at once: bounds the memory.")
    parser.add_argument("--accelerator", default="auto", help="auto, cpu, gpu or mps.")
    parser.add_argument("--overwrite", action="store_true", help="Make anew what is there.")
    parser.add_argument("--anyway", action="store_true", help="Also if the run does not suit the scans (anysyn check).")
    parser.add_argument("--version", action="version", version=f"anysyn {version('anysyn')}")
    return parser
