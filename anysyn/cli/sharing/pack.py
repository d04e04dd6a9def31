"""The command that makes a packaged run of a run folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.outcome import attempt, printed
from anysyn.cli.terminal.shared_options import Overwrite, Run


@allowing_code
def pack(
    run: Run,
    name: Annotated[str, typer.Option(help="What the packaged run is called.")],
    card: Annotated[Path, typer.Option(help="YAML of what no run knows: licence, authors, data, where it fails.")],
    out: Annotated[Path, typer.Option(help="Folder in which a folder of that name is made.")],
    large: Annotated[bool, typer.Option("--large", help="Allow more than 12 MB.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Make a run that can be shared: weights, recipe and card, without a path or a name of a subject."""
    from anysyn.packing.pack import pack as pack_run
    from anysyn.progress import Bar

    attempt(
        lambda: printed(pack_run(run, name=name, card=card, out=out, large=large, overwrite=overwrite, progress=Bar()))
    )
