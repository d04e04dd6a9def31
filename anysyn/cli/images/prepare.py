"""The command that prepares scans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anysyn.cli.terminal.outcome import attempt, printed
from anysyn.cli.terminal.shared_options import Jobs, Overwrite
from anysyn.cli.terminal.words import words


def prepare(
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help="A folder of NIfTI or DICOM, a CSV, or a ZIP of DICOM.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of what is written; who is there and whole is kept.")],
    to: Annotated[
        str | None, typer.Option(help="Contrast that the others are registered to; the first by default.")
    ] = None,
    brain: Annotated[bool, typer.Option("--brain", help="Remove all but the brain (extra anysyn[brain]).")] = False,
    bias: Annotated[bool, typer.Option("--bias", help="Remove the bias field of MRI (N4).")] = False,
    headers: Annotated[bool, typer.Option("--headers", help="Trust the headers instead of registering.")] = False,
    spacing: Annotated[
        float | None, typer.Option(help="Voxel size in mm; that of the reference by default.", min=0.1)
    ] = None,
    contrasts: Annotated[str | None, typer.Option(help="T1w,T2w: only these, the default reference first.")] = None,
    layout: Annotated[str, typer.Option(help="auto, bids, folders or csv.")] = "auto",
    jobs: Jobs = 1,
    overwrite: Overwrite = False,
) -> None:
    """Register the scans of each person, remove bias and skull, resample once; every step is recorded."""
    from anysyn.progress import Bar
    from anysyn.scans.prepare import prepare as prepare_scans

    attempt(
        lambda: printed(
            prepare_scans(
                source,
                out=out,
                to=to,
                brain=brain,
                bias=bias,
                headers=headers,
                spacing=spacing,
                contrasts=words(contrasts),
                layout=layout,  # type: ignore[arg-type]
                jobs=jobs,
                overwrite=overwrite,
                progress=Bar(),
            )
        ),
        once_stopped=lambda: "call it again: who is finished is kept",
    )
