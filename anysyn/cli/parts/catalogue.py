"""List what is registered."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from anysyn.errors import RecipeError
from anysyn.probes.catalogue import probe_names
from anysyn.registry import find, kinds, names, suggest


def lines(kind: str | None = None) -> Iterator[str]:
    """List every registered part with its one-line summary, or those of one kind, in the singular or the plural.

    Raises:
        RecipeError: If there is no such kind.

    Example:
        >>> next(lines("schedules")).partition(":")[0]
        'schedule constant'
    """
    probe_names()  # which enrols every part, probes too
    for one in kinds() if kind is None else [_kind(kind)]:
        yield from (f"{one} {name}: {_summary(one, name)}" for name in names(one))


def _kind(word: str) -> str:
    known = kinds()
    for kind in known:
        if word in (kind, kind + "s"):
            return kind
    raise RecipeError(f"no kind {word!r}; {suggest(word, known)}")


def _summary(kind: str, name: str) -> str:
    return (inspect.getdoc(find(kind, name)) or "").splitlines()[0]
