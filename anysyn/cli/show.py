"""The command that shows what a recipe is made of."""

from __future__ import annotations

from typing import Annotated

import typer

from anysyn.cli.terminal.outcome import attempt, print_lines
from anysyn.cli.terminal.shared_options import Overrides


def show(
    recipe: Annotated[str, typer.Argument(help="YAML file, or the name of a recipe that comes with anysyn.")],
    overrides: Overrides = None,
) -> None:
    """Show the resolved recipe, its parts, sites, parameter counts and memory."""
    from anysyn.cli.parts.summary import lines

    attempt(lambda: print_lines(lines(recipe, tuple(overrides or ()))))
