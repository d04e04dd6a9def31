"""Ctrl-C at any time: the same line and exit code, even while a command still imports what it needs."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup

from anysyn.cli.terminal.outcome import STOPPED, print_lines


class StoppableCommands(TyperGroup):
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
