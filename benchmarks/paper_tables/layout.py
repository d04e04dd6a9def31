"""The layout of a table: dimensions of rows and columns, as in the paper."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from anysyn.evaluation.tables.format import arrow, number
from paper_tables.results import Entry, Results, heading
from paper_tables.table import DIMENSIONS, MEAN, Dimension, Place, Table

Keys = tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """A table ready to be written.

    Args:
        corner: Headings of the columns that name the rows.
        columns: For each column its headings, from the outermost.
        rows: For each row its headings, from the outermost.
        entries: (rows, columns) cells; None if the table has no such cell.
        places: (rows, columns) places of the cells.
        parameters: A last line with a text for each column; empty if there is none.
    """

    corner: Keys
    columns: tuple[Keys, ...]
    rows: tuple[Keys, ...]
    entries: tuple[tuple[Entry | None, ...], ...]
    places: tuple[tuple[Place, ...], ...]
    parameters: tuple[str, ...] = ()


def grid_of(results: Results) -> Grid:
    """Return a table in its layout.

    Args:
        results: The results.
    """
    table, entries = results.plan.table, results.entries
    down, across = _named(table, table.down), _named(table, table.across)
    rows = _combinations(table, down, entries)
    columns = _combinations(table, across, entries)
    places = [[_place(table, dict(zip((*down, *across), (*r, *c), strict=True))) for c in columns] for r in rows]
    filled = [[entries.get(place) for place in line] for line in places]
    return Grid(
        corner=tuple(down),
        columns=tuple(_words(across, keys) for keys in columns),
        rows=tuple(_words(down, keys) for keys in rows),
        entries=tuple(map(tuple, filled)),
        places=tuple(map(tuple, places)),
        parameters=_parameters(results, across, columns),
    )


def _named(table: Table, dimensions: Sequence[Dimension]) -> list[Dimension]:
    """Leave out a single set without a name."""
    return [name for name in dimensions if name != "set" or list(table.sets) != [""]]


def _combinations(table: Table, dimensions: Sequence[Dimension], entries: Mapping[Place, Entry]) -> list[Keys]:
    """Return the combinations that occur, in the order of the declaration; each set has its own order of tasks."""
    axes = [DIMENSIONS.index(name) for name in dimensions]
    there = {tuple(place[axis] for axis in axes) for place in entries}

    def rank(keys: Keys) -> list[int]:
        at = dict(zip(dimensions, keys, strict=True))
        return [_choices(table, name, at.get("set")).index(key) for name, key in at.items()]

    return sorted(there, key=rank)


def _choices(table: Table, dimension: Dimension, within: str | None = None) -> list[str]:
    sets = list(table.sets) if within is None else [within]
    tasks = dict.fromkeys(task.name for name in sets for task in table.tasks_of(name))
    choices: dict[Dimension, list[str]] = {
        "set": list(table.sets),
        "task": [*tasks, *([MEAN] if "task" in table.mean else [])],
        "metric": table.metrics,
        "method": [method.name for method in table.methods],
    }
    return choices[dimension]


def _place(table: Table, keys: Mapping[Dimension, str]) -> Place:
    first = {name: _choices(table, name)[0] for name in DIMENSIONS}
    whole = {**first, **keys}
    return whole["set"], whole["task"], whole["metric"], whole["method"]


def _words(dimensions: Sequence[Dimension], keys: Keys) -> Keys:
    write: dict[str, Callable[[str], str]] = {"metric": lambda name: heading(name).text, "task": arrow}
    return tuple(write.get(name, str)(key) for name, key in zip(dimensions, keys, strict=True))


def _parameters(results: Results, across: Sequence[Dimension], columns: Sequence[Keys]) -> tuple[str, ...]:
    table = results.plan.table
    if not table.parameters or "method" not in across:
        return ()
    at, papers = across.index("method"), table.published.parameters if table.published else {}
    names = [keys[at] for keys in columns]
    return tuple(_beside(results.parameters.get(name, "–"), papers.get(name)) for name in names)


def _beside(own: str, paper: str | None) -> str:
    return own if paper is None else f"{own} [{paper}]"


def text_of(entry: Entry | None, metric: str, *, mark: Sequence[str] = ("{}", "{}", "{}")) -> str:
    """Return a cell as text: mean ± standard deviation over cases and, in brackets, the paper's mean; or the note.

    Args:
        entry: The cell.
        metric: Name of its metric.
        mark: Formats of a mean that is not ranked, of the best, and of the second.

    Example:
        >>> text_of(Entry(mean=20.512, sd=1.25, cases=3, place=1), "psnr", mark=("{}", "**{}**", "_{}_"))
        '**20.51 ± 1.25**'
        >>> text_of(Entry(note="no recipe"), "psnr"), text_of(None, "psnr")
        ('no recipe', '')
    """
    if entry is None:
        return ""
    digits = heading(metric).digits
    own = entry.note or number(entry.mean, digits)
    if not entry.note and entry.sd == entry.sd:
        own += f" ± {number(entry.sd, digits)}"
    own = mark[entry.place].format(own)
    return _beside(own, None if entry.published is None else number(entry.published.mean, digits))
