"""The command that lists what is registered."""

from __future__ import annotations

from typing import Annotated

import typer

from anysyn.cli.terminal.outcome import attempt, print_lines


def list_(
    kind: Annotated[str | None, typer.Argument(help="For example conditioners.", show_default=False)] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="All parts with all their keys, as a page.")] = False,
) -> None:
    """List every registered part with its one-line summary."""
    from anysyn.cli.parts import catalogue, reference_page

    if markdown and kind:
        raise typer.BadParameter("--markdown writes the page of all kinds: leave the kind out")
    attempt(lambda: print_lines(reference_page.lines() if markdown else catalogue.lines(kind)))
