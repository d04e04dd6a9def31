"""Ctrl-C at any time: the same line and exit code, even while a command still imports what it needs."""

from __future__ import annotations

from typing import Any

import typer

from anysyn.cli.terminal.missing_values import CheckedCommands
from anysyn.cli.terminal.outcome import STOPPED, print_lines


class StoppableCommands(CheckedCommands):
    """Commands that say that they were stopped; what a command says itself is said by `attempt`."""

    def invoke(self, ctx: Any) -> Any:
        """Call the command.

        Raises:
            typer.Exit: If the user stopped it.
        """
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            print_lines(["stopped; call it again"], err=True)
            raise typer.Exit(STOPPED) from None
