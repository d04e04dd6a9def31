"""The note that a folder is taken where a packaged run has the same name."""

from __future__ import annotations

from typing import TypeVar

from anysyn.cli.terminal.outcome import print_lines
from anysyn.packaged.names import hides

Named = TypeVar("Named")


def noted(named: Named) -> Named:
    """Return what was named; if it is a folder that hides the packaged run of its name, say so.

    Example:
        >>> noted("nowhere")
        'nowhere'
    """
    note = None if named is None else hides(str(named))
    if note:
        print_lines([note], err=True)
    return named
