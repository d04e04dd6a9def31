"""The command that adds a dataset to a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.outcome import attempt, how_to_resume
from anysyn.cli.terminal.shared_options import Device, Overwrite, Run


@allowing_code
def adapt(
    run: Run,
    data: Annotated[Path, typer.Option(help="A few subjects of the new dataset: a folder or a CSV file.")],
    name: Annotated[str, typer.Option(help="What the new dataset is called, for --dataset.")],
    out: Annotated[Path, typer.Option(help="Run folder to make.")],
    epochs: Annotated[int, typer.Option(help="Passes over its subjects.", min=1)] = 30,
    lr: Annotated[float, typer.Option(help="Learning rate.", min=0)] = 1e-2,
    accelerator: Device = "auto",
    overwrite: Overwrite = False,
) -> None:
    """Add a dataset to a trained run; its answers for the other datasets stay the same bit for bit."""
    from anysyn.progress import Bar
    from anysyn.training import adaptation

    options: dict[str, Any] = {"epochs": epochs, "lr": lr, "accelerator": accelerator, "overwrite": overwrite}
    attempt(
        lambda: adaptation.adapt(run, data=data, name=name, out=out, progress=Bar(), **options),
        once_stopped=lambda: how_to_resume(out),
    )
