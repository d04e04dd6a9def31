"""Reading of a recipe's YAML: inheritance by ``base:``, overrides, and the file and line of every key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from anysyn.errors import RecipeError
from anysyn.registry import suggest

Keys = tuple[str | int, ...]


@dataclass
class Source:
    """A recipe as written, after inheritance and overrides.

    Args:
        tree: Plain mappings, lists and values.
        places: File and line of each key, ``file:line``, by its path in the tree.
    """

    tree: dict[str, Any]
    places: dict[Keys, str] = field(default_factory=dict)

    def place(self, path: Keys) -> str:
        """Return a path with the nearest file and line known for it.

        Example:
            >>> Source({}, {("data",): "a.yaml:3"}).place(("data", "rot"))
            'a.yaml:3: data.rot'
        """
        dotted = ".".join(str(part) for part in path)
        near = next((self.places[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.places), "")
        return ": ".join(part for part in (near, dotted) if part)


def read(recipe: str | Path, overrides: Iterable[str] = ()) -> Source:
    """Read a recipe by path or by name and apply overrides.

    Args:
        recipe: A YAML file, or the name of a recipe that comes with anysyn, such as ``small/label``.
        overrides: Each ``path.to.key=value``; the value is YAML, and a list item is addressed by its number.

    Raises:
        RecipeError: If a file is missing or is not a YAML mapping, or an override cannot be applied.
    """
    source = _inherit(find(recipe), ())
    for override in overrides:
        apply(source, override)
    return source


def find(recipe: str | Path, beside: Path | None = None) -> Path:
    """Return the file of a recipe: a path, one beside another recipe, or one that comes with anysyn.

    Raises:
        RecipeError: If there is none; the message lists those that come with anysyn.

    Example:
        >>> find("small/label").name
        'label.yaml'
    """
    name = Path(recipe)
    named = name if name.suffix in {".yaml", ".yml"} else name.with_name(name.name + ".yaml")
    own = recipes_folder()
    tries = [*([beside / named] if beside else []), named, own / named, own / Path(*named.parts[1:] or named.parts)]
    for path in tries:
        if path.is_file():
            return path
    if name.is_file():
        return name
    known = [path.relative_to(own).with_suffix("").as_posix() for path in sorted(own.rglob("*.yaml"))]
    raise RecipeError(f"no recipe {str(recipe)!r}, neither as a file nor by name; {suggest(recipe, known)}")


def recipes_folder() -> Path:
    """Return the folder of the recipes that come with anysyn."""
    return Path(str(files("anysyn.recipes")))


def _inherit(path: Path, seen: tuple[Path, ...]) -> Source:
    if path.resolve() in seen:
        raise RecipeError(f"{path}: base: recipes inherit in a circle: {' -> '.join(p.name for p in (*seen, path))}")
    source = parse(path)
    base = source.tree.pop("base", None)
    if base is None:
        return source
    parent = _inherit(find(base, beside=path.parent), (*seen, path.resolve()))
    return Source(_over(parent.tree, source.tree), parent.places | source.places)


def parse(path: Path) -> Source:
    """Parse a file; duplicate keys and anything but plain YAML are errors.

    Raises:
        RecipeError: If the file is not readable YAML with a mapping at the top.
    """
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        if not isinstance(node, yaml.MappingNode):
            raise RecipeError(f"{path}: a recipe is a YAML mapping, but this file holds none")
        places = dict(_places(node, (), path.name))
        loader = yaml.SafeLoader("")
        return Source(loader.construct_document(node), places)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from error


def _places(node: yaml.Node, path: Keys, file: str) -> Iterable[tuple[Keys, str]]:
    yield path, f"{file}:{node.start_mark.line + 1}"
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield from _places(item, (*path, i), file)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            word = key.value if not str(key.value).isdigit() else int(key.value)
            if word in seen:
                raise RecipeError(f"{file}:{key.start_mark.line + 1}: the key {word!r} is there twice")
            seen.add(word)
            yield from _places(value, (*path, word), file)
            yield (*path, word), f"{file}:{key.start_mark.line + 1}"


def merge(parent: Any, child: Any) -> Any:
    """Merge a child into its parent: mappings merge, and a mapping with whole numbers as keys changes items of a list.

    A mapping with another ``name:`` replaces the parent's part, since the keys of one part mean nothing to another.

    Example:
        >>> merge({"stages": [{"epochs": 1, "name": "a"}]}, {"stages": {0: {"epochs": 2}}})
        {'stages': [{'epochs': 2, 'name': 'a'}]}
    """
    if isinstance(parent, list) and isinstance(child, Mapping) and child and all(isinstance(k, int) for k in child):
        return [merge(item, child[i]) if i in child else item for i, item in enumerate(parent)] + [
            child[i] for i in sorted(child) if i >= len(parent)
        ]
    if not (isinstance(parent, Mapping) and isinstance(child, Mapping)):
        return child
    if "name" in parent and "name" in child and parent["name"] != child["name"]:
        return dict(child)
    return _over(parent, child)


def _over(parent: Mapping[Any, Any], child: Mapping[Any, Any]) -> dict[Any, Any]:
    return {**parent, **{key: merge(parent[key], value) if key in parent else value for key, value in child.items()}}


def apply(source: Source, override: str) -> None:
    """Apply one override to a recipe in place, as `read` does.

    Raises:
        RecipeError: If it cannot be applied.

    Example:
        >>> source = Source({"stages": [{"epochs": 3}]})
        >>> apply(source, "stages.0.epochs=5")
        >>> source.tree
        {'stages': [{'epochs': 5}]}
    """
    dotted, equals, text = override.partition("=")
    if not equals or not dotted:
        raise RecipeError(f"override {override!r}: write it as path.to.key=value, for example stages.0.epochs=5")
    keys: list[str | int] = [int(k) if k.isdigit() else k for k in dotted.split(".")]
    try:
        value = text if text.startswith("@") else yaml.safe_load(text)  # a reference needs no quotes here
    except yaml.YAMLError as error:
        raise RecipeError(f"override {override!r}: {text!r} is not a YAML value") from error
    _set(source.tree, keys, value, override)
    path = tuple(keys)
    source.places = {p: at for p, at in source.places.items() if p[: len(path)] != path} | {path: "command line"}


def _set(tree: Any, keys: Sequence[str | int], value: Any, override: str) -> None:
    for key in keys[:-1]:
        if isinstance(tree, dict) and not isinstance(tree.get(key), (dict, list)):
            tree[key] = {}
        tree = _item(tree, key, override)
    if isinstance(tree, list):
        _item(tree, keys[-1], override)
    tree[keys[-1]] = value


def _item(tree: Any, key: str | int, override: str) -> Any:
    if isinstance(tree, list) and not (isinstance(key, int) and key < len(tree)):
        raise RecipeError(f"override {override!r}: {key!r} is not one of the items 0 to {len(tree) - 1} of that list")
    return tree[key]
