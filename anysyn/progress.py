"""Progress of long work: a bar with loss, speed and time left, or nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

from anysyn.text.escaping import visible

T = TypeVar("T")


class Progress:
    """Progress of work in parts; this class shows nothing.

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


class Bar(Progress):
    """A progress bar on the terminal; if the output is no terminal, a line for each task.

    Args:
        err: Whether it is shown on the error stream, beside an output that is read; only on a terminal then.
    """

    def __init__(self, *, err: bool = False) -> None:
        console = Console(stderr=err)
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
        self._bar.start()
        try:
            yield
        finally:
            if not (self._bar.console.is_terminal or self._quiet):
                last = self._bar.tasks[-1]
                self.say(f"{title}: {int(last.completed)}/{total} {last.fields['note']} in {last.elapsed or 0:.0f} s")
            self._bar.remove_task(self._task)
            self._bar.stop()

    def advance(self, note: str = "") -> None:
        """Move the bar by one part."""
        self._bar.update(self._task, advance=1, note=note)

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._bar.console.print(visible(line), highlight=False, markup=False, soft_wrap=True)
