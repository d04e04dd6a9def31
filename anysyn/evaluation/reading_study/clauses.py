"""Similarity of two descriptions, clause by clause (PMM-Synth)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

Likeness = Callable[[str, str], float]

_ENDS = re.compile(r"[,;.](?!\d)|[，；。]")  # not the point of 3.5
_WORD = re.compile(r"\d+(?:\.\d+)?|[^\W\d_]+")


def clauses(text: str) -> list[str]:
    """Split a description at its commas, semicolons and full stops.

    Args:
        text: Any text; the point of a number ends nothing.

    Example:
        >>> clauses("Low signal on T1WI, high on T2WI. It measures 3.5 cm.")
        ['Low signal on T1WI', 'high on T2WI', 'It measures 3.5 cm']
    """
    return [part.strip() for part in _ENDS.split(text) if part.strip()]


def word_overlap(first: str, second: str) -> float:
    """Return the share of words that two clauses have in common: ``2 |A and B| / (|A| + |B|)``, repeats counted.

    Args:
        first: A clause; upper and lower case are the same.
        second: Another.

    Returns:
        0 to 1; 1 for two clauses without words.

    Example:
        >>> word_overlap("indistinct margins", "The margins are indistinct")
        0.6666666666666666
    """
    a, b = (Counter(_WORD.findall(clause.lower())) for clause in (first, second))
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 1.0


def similarity(first: str, second: str, likeness: Likeness = word_overlap) -> float:
    """Match the clauses of two descriptions in both directions, and average the two directions.

    Each clause of one side takes the most alike clause of the other; a direction is the mean over its clauses. A whole
    paragraph would look alike whatever differs, since reports are written after a template.

    Args:
        first: A description.
        second: Another of the same case.
        likeness: From two clauses to 0 to 1. The paper does not state its own; the cosine of a language model's
            sentence vectors can be given here.

    Returns:
        0 to 1; 1 if both are empty, 0 if one is.

    Example:
        >>> similarity("Clear margins, no enhancement.", "No enhancement; clear margins")
        1.0
    """
    sides = clauses(first), clauses(second)
    if not all(sides):
        return float(not any(sides))
    return (_matched(*sides, likeness) + _matched(*sides[::-1], likeness)) / 2


def _matched(own: Sequence[str], other: Sequence[str], likeness: Likeness) -> float:
    return sum(max(likeness(clause, one) for one in other) for clause in own) / len(own)
