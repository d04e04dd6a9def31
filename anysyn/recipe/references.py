"""References ``"@name"`` from part to part."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def with_references(parts: Mapping[str, Any], only: Iterable[str]) -> dict[str, Any]:
    """Return the parts of these names and all that they refer to, directly or not, in the recipe's order.

    Example:
        >>> parts = {"clip": {"name": "clip"}, "judge": {"name": "judge"}, "model": {"reads": [{"clip": "@clip"}]}}
        >>> list(with_references(parts, ["model"]))
        ['clip', 'model']
    """
    needed, waiting = set[str](), list(only)
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += references(parts[name])
    return {name: spec for name, spec in parts.items() if name in needed}


def references(spec: Any) -> Iterator[str]:
    """Yield the names of the parts that a mapping refers to, at any depth.

    Example:
        >>> list(references({"losses": [{"name": "semantic", "clip": "@clip"}]}))
        ['clip']
    """
    if isinstance(spec, str) and spec.startswith("@"):
        yield spec[1:]
    inner = spec.values() if isinstance(spec, Mapping) else spec if isinstance(spec, (list, tuple)) else ()
    for item in inner:
        yield from references(item)
