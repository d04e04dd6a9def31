"""The commands that make runs and checkpoints of anysyn of published weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anysyn.cli.terminal.outcome import attempt, printed
from anysyn.cli.terminal.shared_options import Overwrite

app = typer.Typer(
    no_args_is_help=True, help="Make a run or a checkpoint of published weights; no code of theirs is run."
)


@app.command()
def tumsyn(
    checkpoint: Annotated[
        Path, typer.Argument(help="File of the synthesis network, or folder with it and the CLIP.", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Run folder to make.")],
    text: Annotated[Path | None, typer.Option(help="File of the CLIP, unless the folder holds it.")] = None,
    axes: Annotated[str, typer.Option(help="Where the axes of the network's arrays point.")] = "SAL",
    overwrite: Overwrite = False,
) -> None:
    """Make a run of TUMSyn's published checkpoints, which gives the images of the published code."""
    from anysyn.importing import import_tumsyn

    attempt(lambda: printed(import_tumsyn(checkpoint, out=out, text=text, axes=axes, overwrite=overwrite)))


@app.command()
def biomedclip(
    checkpoint: Annotated[Path, typer.Argument(help="Folder of a checkpoint of open_clip.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder to make, for part open_clip.")],
    overwrite: Overwrite = False,
) -> None:
    """Make a folder for part open_clip of BiomedCLIP, or any checkpoint of open_clip whose weights are a pickle."""
    from anysyn.importing import import_open_clip

    attempt(lambda: printed(import_open_clip(checkpoint, out=out, overwrite=overwrite)))


@app.command()
def medclip(
    checkpoint: Annotated[Path, typer.Argument(help="pytorch_model.bin, or its folder.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder to make, for part medclip.")],
    bert: Annotated[Path | None, typer.Option(help="Folder with config.json and vocab.txt of its BERT.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Make a folder for part medclip of MedCLIP's published weights."""
    from anysyn.importing import import_medclip

    attempt(lambda: printed(import_medclip(checkpoint, out=out, bert=bert, overwrite=overwrite)))
