"""Counts in a sentence."""

from __future__ import annotations


def counted(number: int, one: str, several: str | None = None) -> str:
    """Return a number with what it counts, and with its verb if that is given.

    Args:
        number: How many.
        one: What it is called where there is one of it.
        several: What it is called otherwise; by default with an s.

    Example:
        >>> counted(1, "subject"), counted(2, "subject"), counted(1, "subject lacks", "subjects lack")
        ('1 subject', '2 subjects', '1 subject lacks')
    """
    return f"{number} {one if number == 1 else several or f'{one}s'}"
