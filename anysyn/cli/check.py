"""The command that tells whether a run suits a scan."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.outcome import attempt, print_lines, printed
from anysyn.cli.terminal.shared_options import Run
from anysyn.cli.terminal.words import pair


@allowing_code
def check(
    run: Run,
    source: Annotated[list[str] | None, typer.Option(help="T1w=t1.nii.gz; repeat for more of one person.")] = None,
    data: Annotated[Path | None, typer.Option(help="Subjects: a folder or a CSV file.")] = None,
    make_profile: Annotated[
        bool, typer.Option("--make-profile", help="First measure the training images of a run without profile.json.")
    ] = False,
) -> None:
    """Tell whether scans look like the training images of a run: pass, warn, or refuse with exit code 1."""
    from anysyn.progress import Bar
    from anysyn.synthesis.suitability_check import check as check_scans

    files = dict(pair(word) for word in source or ())
    if files and data is not None:
        print_lines(["name either scans with --source or a folder with --data, not both"], err=True)
        raise typer.Exit(1)
    attempt(lambda: printed(check_scans(run, sources=files, data=data, make=make_profile, progress=Bar())))
