"""Reading of a recipe's YAML: inheritance by ``base:``, overrides, and the file and line of every key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

from anysyn.errors import RecipeError
from anysyn.files.yaml_tree import MOST_DEPTH, Keys, Node, Tree, TreeError, compose, expand, read_bounded, scalar
from anysyn.packaged.names import RECIPE, packaged_names, packaged_run
from anysyn.recipe.sections import Recipe
from anysyn.registry import suggest
from anysyn.text.escaping import one_line
from anysyn.text.several import several

SUFFIXES = {".yaml", ".yml"}
MOST_BASES = 20  # recipes that inherit from one another
LONGEST_KEY = 200  # letters that a message shows
MOST_DIGITS = 9  # of the number of an item of a list
KNOWN = {"base", *(field.name for field in fields(Recipe))}
FLOW = tuple("[{\"'!&*|>%`")  # how values begin that are not one word


@dataclass
class Source:
    """A recipe as written, after inheritance and overrides.

    Args:
        tree: Plain mappings, lists and values.
        places: File and line of each key, ``file:line``, by its path in the tree.
        texts: How each number, truth value and date was typed, by its path: ``no`` may be the name of a folder.
    """

    tree: dict[str, Any]
    places: dict[Keys, str] = field(default_factory=dict)
    texts: dict[Keys, str] = field(default_factory=dict)

    def place(self, path: Keys) -> str:
        """Return a path with the nearest file and line known for it.

        Example:
            >>> Source({}, {("data",): "a.yaml:3"}).place(("data", "rot"))
            'a.yaml:3: data.rot'
        """
        dotted = ".".join(one_line(str(part))[:LONGEST_KEY] for part in path)
        near = next((self.places[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.places), "")
        return ": ".join(part for part in (near, dotted) if part)

    def as_typed(self, path: Keys, value: Any) -> Any:
        """Return a value with its numbers, truth values and dates as the words that were typed.

        Example:
            >>> Source({}, texts={("data", "root"): "007"}).as_typed(("data", "root"), 7)
            '007'
        """
        if isinstance(value, list):
            return [self.as_typed((*path, i), item) for i, item in enumerate(value)]
        if isinstance(value, Mapping):
            return {str(key): self.as_typed((*path, key), item) for key, item in value.items()}
        return self.texts.get(path, value) if isinstance(value, (bool, int, float)) else value


def read(recipe: str | Path, overrides: str | Iterable[str] = ()) -> Source:
    """Read a recipe by path or by name and apply overrides.

    Args:
        recipe: A YAML file, or the name of a recipe that comes with anysyn, such as ``small/label``.
        overrides: Each ``path.to.key=value``; the value is a word, or a list, mapping or quoted text in YAML; a
            list item is addressed by its number.

    Raises:
        RecipeError: If a file is missing or is not a YAML mapping, or an override cannot be applied.
    """
    source = _inherit(find(recipe), ())
    for override in several(overrides):
        apply(source, override)
    return source


def find(recipe: str | Path, beside: Path | None = None) -> Path:
    """Return the file of a recipe: a path, one beside another recipe, one that comes with anysyn, or that of a run.

    A run is named by its folder, or by the name of a packaged run.

    Raises:
        RecipeError: If there is none; the message lists those that come with anysyn.

    Example:
        >>> find("small/label").name
        'label.yaml'
    """
    name = Path(recipe)
    if not name.name:
        raise RecipeError(f"{str(recipe)!r} names no recipe; name a YAML file, or a recipe such as 'small/label'")
    named = name if name.suffix in SUFFIXES else name.with_name(name.name + ".yaml")
    own = recipes_folder()
    tries = [*([beside / named] if beside else []), named, own / named, own / Path(*named.parts[1:] or named.parts)]
    for path in tries:
        if _exists(path):
            if path.is_file():
                return path
            raise RecipeError(f"{path}: is not a regular file; name a YAML file")
    if _exists(name) and not name.is_dir():
        raise RecipeError(f"{name}: is no YAML file; a recipe's name ends in .yaml or .yml")
    run = name if _exists(name / RECIPE) else packaged_run(name)
    if run is not None:
        return find(run / RECIPE)
    known = [path.relative_to(own).with_suffix("").as_posix() for path in sorted(own.rglob("*.yaml"))]
    known += packaged_names()
    raise RecipeError(f"no recipe {str(recipe)!r}, neither as a file nor by name; {suggest(recipe, known)}")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name that is too long, or holds what no name may
        return False


def recipes_folder() -> Path:
    """Return the folder of the recipes that come with anysyn."""
    return Path(str(files("anysyn.recipes")))


def _inherit(path: Path, seen: tuple[Path, ...]) -> Source:
    chain = " -> ".join(p.name for p in (*seen, path))
    if path.resolve() in seen:
        raise RecipeError(f"{path}: base: recipes inherit in a circle: {chain}")
    if len(seen) > MOST_BASES:
        raise RecipeError(f"{path}: base: more than {MOST_BASES} recipes inherit from one another: {chain}")
    source = parse(path, named=not seen)
    _place_plugins(source.tree, path.parent)
    base = source.tree.pop("base", None)
    if base is None:
        return source
    place = source.place(("base",))
    if not isinstance(base, str):
        raise RecipeError(f"{place}: expected the name or the YAML file of a recipe, found {base!r}")
    try:
        file = find(base, beside=path.parent)
    except RecipeError as error:
        raise RecipeError(f"{place}: {error}") from error
    parent = _inherit(file, (*seen, path.resolve()))
    texts = {at: text for at, text in parent.texts.items() if at not in source.places} | source.texts
    return Source(_over(parent.tree, source.tree), parent.places | source.places, texts)


def _place_plugins(tree: dict[str, Any], folder: Path) -> None:
    """Make the local plugins of a recipe absolute: they are relative to the file that names them."""
    named = tree.get("plugins")
    if isinstance(named, list):
        tree["plugins"] = [str((folder / path).resolve()) if isinstance(path, str) else path for path in named]


def parse(path: Path, *, named: bool = True) -> Source:
    """Parse a file; duplicate keys and anything but plain YAML are errors.

    Of a file that is no recipe no word is quoted: a stranger's recipe may have named a private file as its base.

    Args:
        path: The file.
        named: Whether the user named it; if a recipe did, it has keys of recipes alone, and values of their kind.

    Raises:
        RecipeError: If the file is not readable YAML with a mapping of a recipe's keys at the top.
    """
    text = read_bounded(path)
    try:
        node = compose(text)
        if node is None or node.pairs is None:
            raise TreeError("a recipe is a YAML mapping, but this file holds none")
        if not KNOWN & {key for key, _, _ in node.pairs}:
            raise TreeError(f"is no recipe: it has none of the keys {', '.join(sorted(KNOWN))}")
        if not named:
            _check_kinds(node)
        tree = expand(node)
    except TreeError as error:
        raise error.within(path) from error
    return Source(tree.value, {at: f"{path.name}:{line}" for at, line in tree.lines.items()}, tree.texts)


def _check_kinds(node: Node) -> None:
    """Refuse a file with another key than those of recipes, or with a word where a recipe has a list or a mapping."""
    for key, line, value in node.pairs or ():
        if key not in KNOWN:
            raise TreeError(f"a base has the keys {', '.join(sorted(KNOWN))} alone, and not the one here", line)
        if key in ("data", "parts", "stages", "modalities", "plugins") and value.items is None and value.pairs is None:
            raise TreeError(f"{key} is a word here; in a recipe it is a list or a mapping", line)


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
    path: Keys = tuple(int(k) if _is_number(k) else k for k in dotted.split("."))
    if len(path) > MOST_DEPTH:
        raise RecipeError(f"override {override[:60]!r}...: is nested deeper than {MOST_DEPTH}; no recipe is")
    typed = _typed(text.strip(), override)
    _set(source.tree, path, typed.value, override)
    source.places = {p: at for p, at in source.places.items() if p[: len(path)] != path} | {path: "command line"}
    source.texts = {p: word for p, word in source.texts.items() if p[: len(path)] != path}
    source.texts |= {(*path, *below): word for below, word in typed.texts.items()}


def _is_number(key: str) -> bool:
    return key.isascii() and key.isdigit() and len(key) <= MOST_DIGITS


def _typed(text: str, override: str) -> Tree:
    """Return what was typed after the equals sign: a list, a mapping or a quoted text in YAML, or else one word.

    In a word nothing has a meaning: ``study #2`` and ``a: b`` are names of folders.
    """
    if not text.startswith(FLOW):
        value = scalar(text)
        return Tree(value, texts={} if value is None or isinstance(value, str) else {(): text})
    try:
        node = compose(text)
        if node is None:
            raise TreeError("it is empty")
        return expand(node)
    except TreeError as error:
        raise RecipeError(
            f"override {override!r}: {text!r} is not a YAML value ({error.message}); put text in quotes"
        ) from error


def _set(tree: Any, keys: Sequence[Any], value: Any, override: str) -> None:
    for key in keys[:-1]:
        if isinstance(tree, dict) and not isinstance(tree.get(key), (dict, list)):
            tree[key] = {}
        tree = _item(tree, key, override)
    if not isinstance(tree, dict):
        _item(tree, keys[-1], override)
    tree[keys[-1]] = value


def _item(tree: Any, key: Any, override: str) -> Any:
    if not isinstance(tree, (dict, list)):
        raise RecipeError(f"override {override!r}: {key!r} lies in {tree!r}, which is no mapping and no list")
    if isinstance(tree, list) and not (isinstance(key, int) and key < len(tree)):
        raise RecipeError(f"override {override!r}: {key!r} is not one of the items 0 to {len(tree) - 1} of that list")
    return tree[key]
