"""The command that exports the network of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.outcome import attempt, printed
from anysyn.cli.terminal.shared_options import Dataset, Overwrite, Run
from anysyn.cli.terminal.words import numbers, words


@allowing_code
def export(
    run: Run,
    sources: Annotated[str, typer.Option(help="T1w,T2w: what is shown, in the order of the input's channels.")],
    target: Annotated[str, typer.Option(help="Modality that is asked for.")],
    out: Annotated[Path, typer.Option(help="Folder to make.")],
    form: Annotated[
        str, typer.Option("--format", help="torch (torch.export), onnx (anysyn[onnx]) or monai-bundle.")
    ] = "torch",
    dataset: Dataset = None,
    size: Annotated[int, typer.Option(help="Voxels a side of the example that it is traced with.", min=1)] = 64,
    spacing: Annotated[
        str | None, typer.Option(help="Voxel size in mm, as 1,1,1, that a network which reads prompts is given.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Export the network for fixed sources and one target, with a page that says what is outside of it."""
    from anysyn.exporting import export as exported
    from anysyn.progress import Bar

    shown = words(sources) or []
    edges = numbers(spacing, "--spacing")
    options: dict[str, Any] = {"spacing": edges, "dataset": dataset, "size": size, "overwrite": overwrite, "form": form}
    options["progress"] = Bar(err=True)
    attempt(lambda: printed(exported(run, sources=shown, target=target, out=out, **options)))
