"""The command that synthesizes all that subjects lack."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.from_scans import check_sources, from_scans
from anysyn.cli.terminal.outcome import attempt, printed
from anysyn.cli.terminal.shared_options import (
    Anyway,
    BatchSize,
    Dataset,
    Device,
    Jobs,
    Launcher,
    Overwrite,
    Precision,
    Run,
)
from anysyn.cli.terminal.words import words

GO_ON = "call it again: what is finished is kept"


@allowing_code
def complete(
    run: Run,
    data: Annotated[Path, typer.Option(help="Subjects that lack contrasts: a folder or a CSV file.")],
    out: Annotated[Path, typer.Option(help="Folder of what is written; what is there is not made again.")],
    targets: Annotated[str | None, typer.Option(help="T2w,FLAIR instead of all that the run was trained for.")] = None,
    sources: Annotated[str | None, typer.Option(help="T1w,T2w: what may be shown, best first.")] = None,
    resample_to: Annotated[str | None, typer.Option(help="Source whose grid the others are resampled to.")] = None,
    prepare: Annotated[bool, typer.Option("--prepare", help="Prepare the scans as those of the run were.")] = False,
    dataset: Dataset = None,
    batch: BatchSize = 8,
    jobs: Jobs = 1,
    launcher: Launcher = "local",
    accelerator: Device = "auto",
    precision: Precision = None,
    overwrite: Overwrite = False,
    anyway: Anyway = False,
) -> None:
    """Synthesize every contrast that the subjects of a folder lack; a second call goes on where the first stopped."""
    from anysyn.progress import Bar
    from anysyn.synthesis import complete as complete_subjects
    from anysyn.synthesis.slurm import parse_launcher

    options: dict[str, Any] = {"targets": words(targets), "sources": words(sources), "resample_to": resample_to}
    options |= {
        "dataset": dataset,
        "batch": batch,
        "accelerator": accelerator,
        "precision": precision,
        "jobs": jobs,
        "overwrite": overwrite,
        "anyway": anyway,
    }
    if prepare:
        check_sources(
            None, data, resample_to=options.pop("resample_to"), launcher=launcher if launcher != "local" else ""
        )
        attempt(lambda: from_scans(run, source=data, out=out, missing=True, **options), once_stopped=lambda: GO_ON)
        return

    def answer() -> Any:
        return printed(
            complete_subjects(run, data=data, out=out, slurm=parse_launcher(launcher), progress=Bar(), **options)
        )

    attempt(answer, once_stopped=lambda: GO_ON)
