"""The published values of a paper, by their place in a table. It needs no torch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from anysyn.errors import UserError
from paper_tables.table import Place, Table


class Value(NamedTuple):
    """A mean, and its standard deviation if there is one."""

    mean: float
    sd: float | None = None


def published(table: Table) -> dict[Place, Value]:
    """Return the published values, by their place.

    Args:
        table: The table.

    Raises:
        UserError: If the number of values of a line is not that of the columns, or a value cannot be read.
    """
    if table.published is None:
        return {}
    own = table.published
    alone: dict[str, str] = {"set": next(iter(table.sets)), "metric": table.metrics[0]}
    width = {len(names) for names in own.columns.values()}
    if len(width) != 1:
        raise UserError(f"{table.name}: published.columns: the lists differ in length")
    values = {}
    for keys, numbers in _lines(own.values, len(own.lines)):
        if len(numbers) != min(width):
            raise UserError(f"{table.name}: published: {' / '.join(keys)} has {len(numbers)} values, not {min(width)}")
        for column, text in enumerate(numbers):
            names = {name: names[column] for name, names in own.columns.items()}
            at = {**alone, **dict(zip(own.lines, keys, strict=True)), **names}
            if text is not None:
                values[at["set"], at["task"], at["metric"], at["method"]] = _value(text, table.name)
    return values


def _lines(values: Any, depth: int, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    if depth == 0:
        yield keys, values
        return
    for key, inner in values.items():
        yield from _lines(inner, depth - 1, (*keys, str(key)))


def _value(text: Any, where: str) -> Value:
    mean, _, sd = str(text).partition("±")
    try:
        return Value(float(mean), float(sd) if sd else None)
    except ValueError:
        raise UserError(f"{where}: published: {text!r} is no number; write 27.17, 27.17 ± 2.03 or null") from None
