"""The command that shows what a recipe is made of."""

from __future__ import annotations

from typing import Annotated

import typer

from anysyn.cli.terminal.allow_code import allowing_code
from anysyn.cli.terminal.hidden_names import noted
from anysyn.cli.terminal.outcome import attempt, print_lines
from anysyn.cli.terminal.shared_options import Overrides


@allowing_code
def show(
    recipe: Annotated[str, typer.Argument(help="YAML file, name of a recipe or a run, or run folder.", callback=noted)],
    overrides: Overrides = None,
) -> None:
    """Show the resolved recipe, its parts, sites, parameter counts and memory."""
    from anysyn.cli.parts.summary import lines

    attempt(lambda: print_lines(lines(recipe, tuple(overrides or ()))))
