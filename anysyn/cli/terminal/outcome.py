"""What a command answers: lines, one line for what a user did wrong, and the exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import typer

from anysyn.escaping import visible


def attempt(call: Callable[[], Any]) -> None:
    """Make a call; turn what a user did wrong into lines on stderr, and failed cases into exit code 1.

    Args:
        call: What the command does; what it answers may hold ``failures``.

    Raises:
        typer.Exit: If something failed.

    Example:
        >>> attempt(lambda: print("done"))
        done
    """
    from anysyn.errors import explain

    try:
        outcome = call()
    except Exception as error:
        lines = explain(error)
        if lines is None:
            raise
        print_lines(lines, err=True)
        raise typer.Exit(1) from None
    failures = getattr(outcome, "failures", ())
    print_lines((f"failed: {failure}" for failure in failures), err=True)
    if failures:
        raise typer.Exit(1)


def printed(outcome: Any) -> Any:
    """Print the ``lines()`` of what a command answers, and return it."""
    print_lines(outcome.lines())
    return outcome


def print_lines(lines: Iterable[object], err: bool = False) -> None:
    """Print each on a line of its own, to stderr if ``err``."""
    for line in lines:
        typer.echo(visible(str(line)), err=err)
