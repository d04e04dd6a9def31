"""The command that prints the JSON Schema of recipes."""

from __future__ import annotations

import typer

from anysyn.cli.terminal.outcome import attempt


def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from anysyn.recipe.schema import text

    attempt(lambda: typer.echo(text()))
