"""Reading of tables, by name or as files: inheritance and checks. It needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from anysyn.errors import UserError
from anysyn.files.yaml_tree import TreeError, compose, expand, read_bounded
from anysyn.registry import suggest
from paper_tables.published import Value, published
from paper_tables.table import MEAN, Dimension, Place, Table

TABLES = Path(__file__).parents[1] / "tables"


def table_files() -> dict[str, Path]:
    """Return the tables that come with the benchmarks, by name."""
    return {path.stem: path for path in sorted(TABLES.glob("*.yaml"))}


def find_tables(words: Sequence[str]) -> list[Path]:
    """Return the files of tables given by name, by the part of a name before a hyphen, or as files.

    Args:
        words: ``omnisyn-2``, ``omnisyn-5`` for both of its parts, ``all``, or a path.

    Raises:
        UserError: If there is no such table; the message lists the choices.

    Example:
        >>> [path.stem for path in find_tables(["omnisyn-5"])]
        ['omnisyn-5-accuracy', 'omnisyn-5-similarity']
    """
    known, paths = table_files(), list[Path]()
    for word in words:
        begun = [path for name, path in known.items() if name.startswith(f"{word}-")]
        if word == "all":
            paths += known.values()
        elif word in known:
            paths.append(known[word])
        elif Path(word).suffix in {".yaml", ".yml"} and Path(word).is_file():
            paths.append(Path(word))
        elif begun:
            paths += begun
        else:
            raise UserError(f"no table {word!r}, neither by name nor as a file; {suggest(word, [*known, 'all'])}")
    return list(dict.fromkeys(paths))


def read_table(path: Path) -> Table:
    """Read and check a table.

    A table with ``base:`` changes another table, which is beside it or comes with the benchmarks: its ``methods`` are
    added, or change the method of the same name; its other keys replace those of the base.

    Args:
        path: The YAML file.

    Raises:
        UserError: If it cannot be read or has mistakes, a line each.
    """
    tree = _tree(path, ())
    try:
        table = Table(**{**tree, "name": path.stem, "folder": path.parent.resolve()})
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False)]
        raise UserError("\n".join(lines)) from error
    mistakes = list(_mistakes(table))
    if mistakes:
        raise UserError("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return table


def _tree(path: Path, seen: tuple[Path, ...]) -> dict[str, Any]:
    if path.resolve() in seen:
        raise UserError(f"{path}: base: tables inherit in a circle")
    try:
        node = compose(read_bounded(path))
        tree = None if node is None else expand(node).value
    except TreeError as error:
        raise error.within(path) from error
    if not isinstance(tree, dict) or not tree.keys() & {"base", *Table.model_fields}:
        raise UserError(f"{path}: a table is a YAML mapping with a key such as title, but this file has none")
    base = tree.pop("base", None)
    if base is None:
        return tree
    if not isinstance(base, str):
        raise UserError(f"{path}: base: the name of a table, not {type(base).__name__}")
    beside = path.parent / f"{base}.yaml"
    parent = beside if beside.is_file() else find_tables([str(base)])[0]
    under = _tree(parent, (*seen, path.resolve()))
    own = _own_methods(path, tree)
    for method in _own_methods(parent, under):  # a file beside the base is not beside this table
        if Path(str(method.get("recipe"))).suffix in {".yaml", ".yml"}:
            method["recipe"] = str((parent.parent / method["recipe"]).resolve())
    return {**under, **tree, "methods": _changed(under.get("methods", []), own)}


def _own_methods(path: Path, tree: Mapping[str, Any]) -> list[dict[str, Any]]:
    own = tree.get("methods") or []
    if not isinstance(own, list) or not all(
        isinstance(method, dict) and isinstance(method.get("name"), str) for method in own
    ):
        raise UserError(f"{path}: methods: a list of mappings, each with a name")
    names = [method["name"] for method in own]
    again = next((name for name in names if names.count(name) > 1), None)
    if again is not None:  # both would change the same method of the base
        raise UserError(f"{path}: methods: two have the name {again!r}")
    return own


def _changed(methods: Sequence[dict[str, Any]], own: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return methods changed by those of the same name, followed by the new ones."""
    names = [method.get("name") for method in methods]
    changes = {method.get("name"): method for method in own}
    changed = [{**method, **changes.get(name, {})} for name, method in zip(names, methods, strict=True)]
    return [*changed, *(method for method in own if method.get("name") not in names)]


def _mistakes(table: Table) -> Iterator[str]:
    laid = [*table.down, *table.across]
    if len(set(laid)) < len(laid):
        yield "layout: down and across name a dimension twice"
    several: dict[Dimension, int] = {
        "set": len(table.sets),
        "task": max(len(table.tasks_of(name)) for name in table.sets),
        "metric": len(table.metrics),
        "method": len(table.methods),
    }
    lost = [name for name, count in several.items() if count > 1 and name not in laid]
    yield from (f"layout: several values of {name}, which is neither in down nor in across" for name in lost)
    names = [method.name for method in table.methods]
    yield from (f"methods: two have the name {name!r}" for name in sorted({n for n in names if names.count(n) > 1}))
    yield from (f"sets.{name}: no tasks" for name in table.sets if not table.tasks_of(name))
    for method in table.methods:
        if method.each == "dataset" and any("dataset" not in own.where for own in table.sets.values()):
            yield f"methods.{method.name}: each: dataset needs a set `where: {{dataset: ...}}` for each of them"
        if method.simple is not None and method.recipe is not None:
            yield f"methods.{method.name}: a simple baseline has no recipe"
        if method.dataset is not None and (table.measure != "pairs" or method.recipe is None):
            yield f"methods.{method.name}: dataset is for a recipe and the measure pairs alone"
    if table.published is not None:
        yield from _unknown(table, published(table))


def _unknown(table: Table, values: Mapping[Place, Value]) -> Iterator[str]:
    known = set(table.places()) | {(s, MEAN, m, r) for s, _, m, r in table.places()}
    for place in values.keys() - known:
        yield f"published: {' / '.join(filter(None, place))} is no cell of the table"
