"""One word where several may stand: a list of it, never of its letters."""

from __future__ import annotations

from collections.abc import Iterable


def several(words: str | Iterable[str]) -> list[str]:
    """Return words as a list; a single one is a list of itself.

    Args:
        words: One word, or several.

    Example:
        >>> several("FLAIR"), several(("T2w", "FLAIR"))
        (['FLAIR'], ['T2w', 'FLAIR'])
    """
    return [words] if isinstance(words, str) else list(words)
