"""The command that synthesizes all that subjects lack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.bids_filter import labels_in
from anysyn.cli.terminal.from_files import trust_maps
from anysyn.cli.terminal.from_scans import check_sources, from_scans
from anysyn.cli.terminal.outcome import attempt, printed
from anysyn.cli.terminal.shared_options import (
    Anyway,
    BatchSize,
    BidsFilter,
    Dataset,
    Device,
    Headers,
    JobsOrArray,
    Overwrite,
    Precision,
    Run,
)
from anysyn.cli.terminal.words import words
from anysyn.errors import UserError

GO_ON = "call it again: what is finished is kept"


@allowing_code
def complete(
    run: Run,
    data: Annotated[Path, typer.Option(help="Subjects that lack contrasts: a folder or a CSV file.")],
    out: Annotated[Path, typer.Option(help="Folder of what is written; what is there is not made again.")],
    bids_filter_file: BidsFilter = None,
    targets: Annotated[str | None, typer.Option(help="T2w,FLAIR instead of all that the run was trained for.")] = None,
    sources: Annotated[str | None, typer.Option(help="T1w,T2w: what may be shown, best first.")] = None,
    resample_to: Annotated[str | None, typer.Option(help="Source whose grid the others are resampled to.")] = None,
    prepare: Annotated[bool, typer.Option("--prepare", help="Prepare the scans as those of the run were.")] = False,
    headers: Headers = False,
    trust: Annotated[bool, typer.Option("--trust", help="Maps of the expected error beside each image.")] = False,
    dicom: Annotated[bool, typer.Option("--dicom", help="With --prepare: DICOM series in OUT/dicom, too.")] = False,
    dataset: Dataset = None,
    batch: BatchSize = 8,
    jobs: JobsOrArray = "1",
    accelerator: Device = "auto",
    precision: Precision = None,
    overwrite: Overwrite = False,
    anyway: Anyway = False,
) -> None:
    """Synthesize every contrast that the subjects of a folder lack; a second call goes on where the first stopped."""
    options: dict[str, Any] = {"targets": words(targets), "sources": words(sources), "resample_to": resample_to}
    options |= {"dataset": dataset, "batch": batch, "overwrite": overwrite, "anyway": anyway, "out": out}
    options |= {"trust": trust, "accelerator": accelerator, "precision": precision}
    if (dicom or headers) and not prepare:
        raise typer.BadParameter("--dicom and --headers: for scans that lie on several grids; add --prepare")
    if prepare:
        options |= {"dicom": out / "dicom" if dicom else None, "headers": headers}
        check_sources(None, data, resample_to=options.pop("resample_to"))
        options["source"] = data
    else:
        options["data"] = data
    start: Callable[..., Any] = _from_scans if prepare else _from_files
    attempt(lambda: start(run, jobs=jobs, bids=labels_in(bids_filter_file), **options), once_stopped=lambda: GO_ON)


def _from_scans(run: Path, *, jobs: str, **options: Any) -> Any:
    from anysyn.synthesis.slurm import parse_jobs

    count, slurm = parse_jobs(jobs)
    if slurm is not None:
        raise UserError(f"--jobs {jobs}: not with --prepare; prepare the scans first, then complete them")
    return from_scans(run, missing=True, jobs=count, **options)


def _from_files(run: Path, *, trust: bool, jobs: str, accelerator: str, precision: Any, **options: Any) -> Any:
    from anysyn.progress import Bar
    from anysyn.synthesis import complete as complete_subjects
    from anysyn.synthesis import load_run
    from anysyn.synthesis.slurm import parse_jobs

    count, slurm = parse_jobs(jobs)
    loaded = load_run(run, accelerator=accelerator, precision=precision)
    options |= {"accelerator": accelerator, "beside": trust_maps(loaded, trust)}
    return printed(complete_subjects(loaded, jobs=count, slurm=slurm, progress=Bar(), **options))
