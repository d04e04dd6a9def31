"""The command that says what is there."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from anysyn.cli.terminal.outcome import attempt, print_lines, printed


def doctor(as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False) -> None:
    """Say what is there: versions, devices, extras, caches, plugins, packaged runs; names no user, to paste."""
    from anysyn.doctor import Examination
    from anysyn.doctor import doctor as examined

    def show() -> Examination:
        found = examined()
        if not as_json:
            return printed(found)  # type: ignore[no-any-return]
        print_lines([json.dumps(found.record(), indent=2)])
        return found

    attempt(show)
