"""An option whose value was forgotten takes no other option for it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import typer
from typer.core import TyperGroup


class CheckedCommands(TyperGroup):
    """Commands none of whose options takes another option for its value."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, and look through its words."""
        name, command, words = super().resolve_command(ctx, args)
        if command is not None:
            check_values(command, words)
        return name, command, words


def check_values(command: Any, words: Sequence[str]) -> None:
    """Refuse the words of a command in which an option that takes a value is followed by another option.

    Click would take ``--anyway`` in ``--dicom --anyway`` for the name of a folder.

    Args:
        command: The command, whose options are known.
        words: What follows its name.

    Raises:
        typer.BadParameter: If a value is missing.

    Example:
        >>> def command(run: str, dicom: str = "", anyway: bool = False): ...
        >>> app = typer.Typer()
        >>> _ = app.command()(command)
        >>> check_values(typer.main.get_command(app), ["run", "--dicom", "out", "--anyway"])
        >>> check_values(typer.main.get_command(app), ["run", "--dicom", "--anyway"])
        Traceback (most recent call last):
        typer._click.exceptions.BadParameter: a value is missing; --anyway, which comes next, is an option
    """
    options = {name: param for param in command.params for name in param.opts if name.startswith("--")}
    flags = {name for param in command.params for name in param.secondary_opts} | {"--help"}
    for word, after in pairwise(words):
        if word == "--":
            return
        taking = word in options and not getattr(options[word], "is_flag", False)
        if taking and after.partition("=")[0] in options.keys() | flags:
            why = f"a value is missing; {after}, which comes next, is an option"
            raise typer.BadParameter(why, param_hint=f"'{word}'")
