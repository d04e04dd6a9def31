"""The command that lists what is registered."""

from __future__ import annotations

from typing import Annotated

import typer

from anysyn.cli.terminal.outcome import attempt, print_lines


def list_(
    kind: Annotated[str | None, typer.Argument(help="For example conditioners.", show_default=False)] = None,
) -> None:
    """List every registered part with its one-line summary."""
    from anysyn.cli.catalogue import lines

    attempt(lambda: print_lines(lines(kind)))
