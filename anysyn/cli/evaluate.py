"""The command that compares syntheses with the truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.bids_filter import labels_in
from anysyn.cli.terminal.outcome import attempt, how_to_report, print_lines
from anysyn.cli.terminal.shared_options import (
    BatchSize,
    BidsFilter,
    Data,
    Dataset,
    Device,
    JobsOrArray,
    Overwrite,
    Results,
    Run,
    SplitName,
)

if TYPE_CHECKING:
    from anysyn.evaluation.results import Evaluation


@allowing_code
def evaluate(
    run: Run,
    data: Data = None,
    bids_filter_file: BidsFilter = None,
    split: SplitName = "test",
    pairs: Annotated[str, typer.Option(help="T1w:T2w,T1w+T2w:FLAIR or all.")] = "all",
    protocol: Annotated[str, typer.Option(help="How images are compared: anysyn list protocols.")] = "anysyn",
    out: Results = None,
    examples: Annotated[int, typer.Option(help="Subjects shown in the report for each pair.", min=0)] = 2,
    degrade: Annotated[
        list[str] | None, typer.Option(help="Worse sources: axis=2,factor=3,fwhm=2, motion=severe, gaussian=0.1.")
    ] = None,
    dataset: Dataset = None,
    training: Annotated[Path | None, typer.Option(help="Training subjects, if they were moved.")] = None,
    batch: BatchSize = 8,
    jobs: JobsOrArray = "1",
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Compare syntheses with the truth and with two simple baselines."""
    from anysyn.evaluation.degradation.changes import parse_changes
    from anysyn.evaluation.evaluate import evaluate as compare
    from anysyn.progress import Bar
    from anysyn.synthesis.slurm import parse_jobs

    def show() -> Evaluation:
        (thick, corruption), (count, slurm) = parse_changes(degrade or ()), parse_jobs(jobs)
        results = compare(
            run,
            data=data,
            bids=labels_in(bids_filter_file),
            split=split,
            pairs=pairs,
            protocol=protocol,
            training=training,
            out=out,
            examples=examples,
            degrade=thick,
            corruption=corruption,
            dataset=dataset,
            batch=batch,
            jobs=count,
            slurm=slurm,
            accelerator=accelerator,
            overwrite=overwrite,
            progress=Bar(),
        )
        print_lines([*results.lines(), how_to_report(run, out)])
        return results

    attempt(show)
