"""The command ``anysyn-bids``, with the signature of BIDS Apps, whose options take several words."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import typer

from anysyn.cli.terminal.bids_filter import labels_in
from anysyn.cli.terminal.outcome import STOPPED, attempt, print_lines, printed
from anysyn.cli.terminal.shared_options import FILTER, RUN
from anysyn.cli.terminal.words import words

ABOUT = "Synthesize the contrasts that participants lack. What it writes is synthetic and not for clinical use."
OPTIONS = ("model", "prepare", "targets", "sources", "dataset", "batch", "accelerator", "precision", "trust")
FLAGS = ("overwrite", "anyway")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the BIDS App: 0 if all participants were completed, 1 if some failed, 2 for a command that is none.

    Args:
        arguments: The words of the command line; those of the process by default.
    """
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.prepare and given.resample_to:
        parser.error("--resample-to: not with scans that are prepared; leave it out")
    if given.headers and not given.prepare:
        parser.error("--headers: for scans that lie on several grids; add --prepare")
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

    options = {name: getattr(given, name) for name in (*OPTIONS, *FLAGS)}
    options |= {name: words(options[name]) for name in ("targets", "sources")}
    options |= {"participants": _flat(given.participant_label), "sessions": _flat(given.session_label)}
    options |= {"bids": labels_in(given.bids_filter_file), **_way(given)}
    done = printed(complete_participants(given.bids_dir, given.output_dir, progress=Bar(), **options))
    if options["participants"] is not None or options["sessions"] is not None:  # a call for all keeps a list instead
        print_lines((f"note: {case}" for case in done.completion.choices), err=True)
    return done


def _way(given: argparse.Namespace) -> dict[str, Any]:
    """Return the options that differ between scans that are prepared and those that are not."""
    from anysyn.errors import UserError
    from anysyn.synthesis.slurm import parse_jobs

    count, slurm = parse_jobs(given.jobs)
    if not given.prepare:
        return {"jobs": count, "slurm": slurm, "resample_to": given.resample_to}
    if slurm is not None:
        raise UserError(f"--jobs {given.jobs}: not with --prepare; give a number of processes")
    return {"jobs": count, "headers": given.headers}


def _flat(labels: Sequence[Sequence[str]] | None) -> list[str] | None:
    return None if labels is None else [word for each in labels for word in each]


def _labels(text: str) -> list[str]:
    return words(text) or []


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("anysyn-bids", description=ABOUT, allow_abbrev=False)
    parser.add_argument("bids_dir", type=Path, help="The BIDS dataset.")
    parser.add_argument("output_dir", type=Path, help="The derivative, for example BIDS_DIR/derivatives/anysyn.")
    parser.add_argument("analysis_level", choices=["participant"], help="There is no group level.")
    _add_choices(parser)
    parser.add_argument("--model", required=True, help=RUN)
    parser.add_argument("--targets", help="T2w,FLAIR instead of all that the run was trained for.")
    parser.add_argument("--sources", help="T1w,T2w: what may be shown, best first.")
    parser.add_argument("--prepare", action="store_true", help="Prepare the scans as those of the run were.")
    parser.add_argument("--headers", action="store_true", help="With --prepare: trust headers, register none.")
    parser.add_argument("--resample-to", help="Source whose grid the others are resampled to; nothing is registered.")
    parser.add_argument("--trust", action="store_true", help="Maps of the expected error beside each image.")
    parser.add_argument("--dataset", help="Treat inputs as this training dataset, or as their mean.")
    parser.add_argument("--batch", type=int, default=8, help="Slices or patches at once: bounds the memory.")
    parser.add_argument("--jobs", default="1", help="2: processes; 50@slurm,partition=gpu,hours=2: an array of jobs.")
    parser.add_argument("--accelerator", default="auto", help="auto, cpu, gpu or mps.")
    parser.add_argument("--precision", help="32-true, bf16-mixed or 16-mixed; the recipe's by default.")
    parser.add_argument("--overwrite", action="store_true", help="Make anew what is there.")
    parser.add_argument("--anyway", action="store_true", help="Also if the run does not suit the scans (anysyn check).")
    parser.add_argument("--version", action="version", version=f"anysyn {version('anysyn')}")
    return parser


def _add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose people, sessions and files."""
    several: dict[str, Any] = {"nargs": "+", "type": _labels, "metavar": "LABEL"}
    people, sessions = "01 02, with sub- or without; all by default.", "1 2, with ses- or without; all by default."
    parser.add_argument("--participant-label", "--participant_label", help=people, **several)
    parser.add_argument("--session-label", "--session_label", help=sessions, **several)
    parser.add_argument("--bids-filter-file", "--bids_filter_file", type=Path, metavar="FILE", help=FILTER)
