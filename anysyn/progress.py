"""Progress of long work: a bar with loss, speed and time left, or nothing."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from anysyn.text.escaping import visible

T = TypeVar("T")


class Progress:
    """Progress of work in parts; this class shows nothing, and what has to be known as a Python warning.

    Example:
        >>> progress = Progress()
        >>> with progress.task("epoch 1", 10):
        ...     progress.advance("loss 0.1")
    """

    @contextmanager
    def task(self, title: str, total: int, done: int = 0) -> Iterator[None]:
        """Begin a task of so many parts, some of which may be done."""
        yield

    def over(self, title: str, items: Sequence[T]) -> Iterator[T]:
        """Iterate over items, each a part of a task."""
        with self.task(title, len(items)):
            for item in items:
                yield item
                self.advance()

    def advance(self, note: str = "") -> None:
        """Count one more part as done."""

    def say(self, line: str) -> None:
        """Show a line that stays."""

    def warn(self, line: str) -> None:
        """Show a line that changes what may be expected of the result, whether or not the rest is shown."""
        warnings.warn(line, stacklevel=2)


class Silent(Progress):
    """Progress of a process beside the one that shows it."""

    def warn(self, line: str) -> None:
        """Leave it to the other process."""


class Bar(Progress):
    """A progress bar on the terminal; if the output is no terminal, as in a notebook, a line for each task.

    Args:
        err: Whether it is shown on the error stream, beside an output that is read; only on a terminal then.
    """

    def __init__(self, *, err: bool = False) -> None:
        console = Console(stderr=err, force_jupyter=False)  # widgets would have to be installed, and stay in the file
        self._quiet = err and not console.is_terminal
        self._bar = RichProgress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            disable=self._quiet,
        )
        self._task = self._bar.add_task("", visible=False, note="")

    @contextmanager
    def task(self, title: str, total: int, done: int = 0) -> Iterator[None]:
        """Begin a task; its bar disappears when it ends."""
        self._task = self._bar.add_task(visible(title), total=total, completed=done, note="")
        live = self._bar.console.is_terminal  # elsewhere the end of a bar is an empty line
        if live:
            self._bar.start()
        try:
            yield
        finally:
            if not (self._bar.console.is_terminal or self._quiet):
                last = self._bar.tasks[-1]
                self.say(f"{title}: {int(last.completed)}/{total} {last.fields['note']} in {last.elapsed or 0:.0f} s")
            self._bar.remove_task(self._task)
            if live:
                self._bar.stop()

    def advance(self, note: str = "") -> None:
        """Move the bar by one part."""
        self._bar.update(self._task, advance=1, note=note)

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(visible(line), highlight=False, markup=False, soft_wrap=True)

    def warn(self, line: str) -> None:
        """Print it as any other line."""
        self.say(line)


def progress_of(progress: Progress | bool | None) -> Progress:
    """Return what shows the progress of a call.

    Args:
        progress: What does; True is a `Bar`, False and None show nothing.

    Example:
        >>> type(progress_of(None)).__name__, type(progress_of(True)).__name__
        ('Progress', 'Bar')
    """
    if isinstance(progress, Progress):
        return progress
    return Bar() if progress else Progress()
