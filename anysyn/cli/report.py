"""The command that writes the page about a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anysyn.cli.terminal.outcome import attempt, print_lines
from anysyn.cli.terminal.shared_options import Overwrite, Run


def report(
    run: Run,
    results: Annotated[Path | None, typer.Option(help="Results to show; the run's latest by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="HTML page; RUN/report.html by default.")] = None,
    images: Annotated[
        list[Path] | None, typer.Option(help="Syntheses to look at in the page, files or a folder; repeat for more.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write one self-contained HTML page about a run."""
    from anysyn.reporting import report as run_it

    attempt(lambda: print_lines([run_it(run, results=results, out=out, images=images or (), overwrite=overwrite)]))
