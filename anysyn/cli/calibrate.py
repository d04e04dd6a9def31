"""The command that finds how far a run's syntheses can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.outcome import attempt, printed
from anysyn.cli.terminal.shared_options import BatchSize, Device, Overwrite, Run


@allowing_code
def calibrate(
    run: Run,
    data: Annotated[Path | None, typer.Option(help="Cohort; that of the training by default.")] = None,
    split: Annotated[str, typer.Option(help="validation, test, train or all.")] = "validation",
    most: Annotated[int | None, typer.Option(help="Subjects at most, evenly spread.", min=2)] = None,
    level: Annotated[
        float, typer.Option(help="Share of the voxels that an interval is to hold.", min=0.5, max=0.999)
    ] = 0.9,
    batch: BatchSize = 8,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Learn from validation subjects how large errors are expected to be where the truth is unknown."""
    from anysyn.progress import Bar
    from anysyn.trust.calibrate import calibrate as calibrate_run

    options: dict[str, Any] = {"data": data, "split": split, "most": most, "level": level}
    options |= {"batch": batch, "accelerator": accelerator, "overwrite": overwrite}
    attempt(lambda: printed(calibrate_run(run, progress=Bar(), **options)))
