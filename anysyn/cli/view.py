"""The command that writes the viewer's page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anysyn.cli.terminal.outcome import attempt, print_lines
from anysyn.cli.terminal.shared_options import Overwrite


def view(
    paths: Annotated[list[Path], typer.Argument(help="Images shown side by side; folders, each person by itself.")],
    out: Annotated[Path, typer.Option(help="The page.")] = Path("view.html"),
    overwrite: Overwrite = False,
    show: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Show images with linked crosshairs in one page that needs no network."""
    from anysyn.viewer.page import View
    from anysyn.viewer.page import view as write_page

    def answer() -> View:
        written = write_page(paths, out=out, overwrite=overwrite)
        print_lines([written.page])
        if show:
            typer.launch(str(written.page))
        return written

    attempt(answer)
