"""The command that shows what is read of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.hidden_names import noted
from anysyn.cli.terminal.outcome import attempt, print_lines
from anysyn.cli.terminal.shared_options import Overrides, Overwrite


@allowing_code
def data(
    root: Annotated[Path, typer.Argument(metavar="FOLDER", help="A BIDS dataset, a tree of folders, or a CSV file.")],
    overrides: Overrides = None,
    of: Annotated[
        str | None, typer.Option("--for", help="RUN or RECIPE: only what it uses, and its split.", callback=noted)
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the same as a CSV, to edit and give as data.root.")] = None,
    layout: Annotated[str, typer.Option(help="auto, bids, folders or csv.")] = "auto",
    all_: Annotated[bool, typer.Option("--all", help="Show all subjects, not only the first 20.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Show what is read of a folder: by subject and contrast the file, its sidecars, and what is left out and why."""
    from anysyn.data.inventory.inventory import Inventory
    from anysyn.data.inventory.subjects_csv import write_subjects_csv
    from anysyn.data.inventory.table import table
    from anysyn.data.subjects.find import NoSubjectFoundError
    from anysyn.training.cohorts.selection import inventory

    def show() -> None:
        try:
            shown = inventory(root, of=of, overrides=overrides or (), layout=layout)  # type: ignore[arg-type]
        except NoSubjectFoundError as error:  # all of the reasons, and then the message
            print_lines(table(Inventory(root=root, found=error.found), most=None if all_ else 20))
            raise
        if csv is not None:
            write_subjects_csv(shown, csv, overwrite=overwrite)
        print_lines(table(shown, most=None if all_ else 20, listed_in=csv))
        if shown.failures:  # which the table shows already
            raise typer.Exit(1)

    attempt(show)
