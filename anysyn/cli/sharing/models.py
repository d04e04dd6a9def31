"""The command that lists the runs that come with anysyn."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from anysyn.cli.terminal.outcome import attempt, print_lines, printed


def models(
    name: Annotated[str | None, typer.Argument(help="Packaged run whose card is shown.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the trained runs that come with anysyn: contrasts, size, training, where each holds and where not."""
    from anysyn.packaged.listing import Models, find_card
    from anysyn.packaged.listing import models as packaged

    def show() -> Models | None:
        if name is not None:
            card = find_card(name)
            print_lines([json.dumps(card.record(), indent=2, default=str)] if as_json else card.text.splitlines())
            return None
        found = packaged()
        if as_json:
            print_lines([json.dumps([card.record() for card in found.cards], indent=2, default=str)])
            return found
        return printed(found)  # type: ignore[no-any-return]

    attempt(show)
