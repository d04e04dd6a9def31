"""What a command answers: lines, one line for what a user did wrong, and the exit code."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import typer

from anysyn.text.escaping import visible

STOPPED = 130  # what shells give a command that was stopped by Ctrl-C


def attempt(call: Callable[[], Any], *, once_stopped: Callable[[], str] = lambda: "call it again") -> None:
    """Make a call; turn what a user did wrong into lines on stderr, and failed cases into exit code 1.

    Args:
        call: What the command does; what it answers may hold ``failures``.
        once_stopped: Says how to go on after Ctrl-C, which gives exit code 130.

    Raises:
        typer.Exit: If something failed, or the user stopped it.

    Example:
        >>> attempt(lambda: print("done"))
        done
    """
    from anysyn.errors import explain

    try:
        outcome = call()
        print_lines(broken_plugins(), err=True)
    except KeyboardInterrupt:
        print_lines([f"stopped; {once_stopped()}"], err=True)
        raise typer.Exit(STOPPED) from None
    except Exception as error:
        lines = explain(error)
        if lines is None:
            raise
        print_lines(dict.fromkeys([*lines, *broken_plugins()]), err=True)
        raise typer.Exit(1) from None
    failures = getattr(outcome, "failures", ())
    print_lines((f"failed: {failure}" for failure in failures), err=True)
    if failures:
        raise typer.Exit(1)


def broken_plugins() -> list[str]:
    """Return a line for each installed plugin that does not load, if the command looked at plugins at all.

    Example:
        >>> all("does not load" in line for line in broken_plugins())
        True
    """
    looked = sys.modules.get("anysyn.plugins")
    return looked.enrol_plugins() if looked else []


def how_to_resume(run: Path) -> str:
    """Return how a training goes on that was stopped.

    Example:
        >>> how_to_resume(Path("nowhere"))
        'nothing is trained yet; call it again'
    """
    if not (run / "recipe.yaml").is_file():
        return "nothing is trained yet; call it again"
    return f"go on with: anysyn train --resume {shlex.quote(str(run))}"


def how_to_report(run: Path, results: Path | None) -> str:
    """Return how the page about a run is written; that about a packaged run is named, since nothing is written there.

    Example:
        >>> how_to_report(Path("brain"), Path("out"))
        'report: anysyn report brain --results out --out report.html'
    """
    from anysyn.training.run_folder.names import find_run

    if run.is_dir() and not find_run(run).packaged:
        return f"report: {run / 'report.html'}, written by: anysyn report {shlex.quote(str(run))}"
    return f"report: anysyn report {shlex.quote(str(run))} --results {shlex.quote(str(results))} --out report.html"


def printed(outcome: Any) -> Any:
    """Print the ``lines()`` of what a command answers, and return it."""
    print_lines(outcome.lines())
    return outcome


def print_lines(lines: Iterable[object], err: bool = False) -> None:
    """Print each on a line of its own, to stderr if ``err``."""
    for line in lines:
        typer.echo(visible(str(line)), err=err)
