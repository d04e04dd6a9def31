"""The option ``--allow-code`` of commands that read a recipe or a run: without it no local plugin runs."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from anysyn.cli.terminal.outcome import attempt, print_lines

NAMING = ("recipe", "run", "resume", "from_run", "of")  # arguments and options that name a recipe or a run
HELP = "Run the Python files that the recipe names as plugins."


def allowing_code(command: Callable[..., None]) -> Callable[..., None]:
    """Add ``--allow-code`` to a command: the local plugins of what it names run before it.

    Args:
        command: A command with some of the arguments ``recipe``, ``run``, ``resume``, ``from_run`` and ``of``.

    Example:
        >>> @allowing_code
        ... def show(recipe: str) -> None:
        ...     print(recipe)
        >>> show(recipe="small/label", allow_code=True)
        small/label
    """
    signature = inspect.signature(command, eval_str=True)

    @functools.wraps(command)
    def run(**given: Any) -> None:
        if given.pop("allow_code", False):
            attempt(lambda: _allow([given.get(name) for name in NAMING], given.get("overrides")))
        command(**given)

    hint = Annotated[bool, typer.Option("--allow-code", help=HELP)]
    added = inspect.Parameter("allow_code", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=hint)
    run.__signature__ = signature.replace(parameters=[*signature.parameters.values(), added])  # type: ignore[attr-defined]
    return run


def _allow(named: list[Any], overrides: list[str] | None) -> None:
    from anysyn.recipe.code import allow_code

    changes = list(overrides or ())
    if any(isinstance(word, str) and "=" in word for word in named):  # an override where the recipe is that of a run
        changes, named = [], [word for word in named if not (isinstance(word, str) and "=" in word)]
    for number, one in enumerate(word for word in named if word is not None):
        for path in allow_code(one, changes if number == 0 else ()):
            print_lines([f"note: ran the code of {path}, as allowed"], err=True)
