"""The command that shows everything in a few minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anysyn.cli.terminal.outcome import attempt
from anysyn.cli.terminal.shared_options import Overwrite


def demo(
    out: Annotated[Path, typer.Option(help="Folder of the demo.")] = Path("demo"),
    overwrite: Overwrite = False,
) -> None:
    """Simulate, train, synthesize, evaluate and report, in a few minutes."""
    from anysyn.cli.demonstration import demo as run_it
    from anysyn.progress import Bar

    attempt(lambda: run_it(out, overwrite=overwrite, progress=Bar()))
