"""The recipe of a run without what belongs to its machine and its subjects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

from anysyn.errors import UserError
from anysyn.recipe import Data, Recipe, Split

LEFT = {
    "root",
    "layout",
    "names",
    "bids",
    "datasets",
    "as_dataset",
    "split",
    "cache",
    "jobs",
    "workers",
}  # of the section data


def portable(recipe: Recipe) -> Recipe:
    """Return a recipe without its data, and without names of files, subjects and datasets.

    What is left says how images are prepared and cut, what the networks are, and how they were trained. It computes in
    32 bits, even if it was trained in 16: a processor without bfloat16 takes many times longer with it.

    Args:
        recipe: The checked recipe of a run.

    Raises:
        UserError: If a part names a file of this machine, by an absolute path, or the recipe code of it.
    """
    if recipe.plugins:
        raise UserError(
            f"recipe.yaml: plugins.0: {PurePath(recipe.plugins[0]).name!r} is code of this machine, and a packed run "
            "carries none; make a package of it (docs/guide/plugin.md), install that, and train without the key"
        )
    kept: dict[str, Any] = {field.name: getattr(recipe.data, field.name) for field in fields(Data)}
    data = Data(**{key: value for key, value in kept.items() if key not in LEFT})
    split = Split(seed=recipe.data.split.seed)
    stages = [replace(stage, data=None) for stage in recipe.stages]
    loggers: Any = [{"name": "tensorboard"}]  # nobody else's server
    bare = replace(recipe, data=replace(data, split=split), stages=stages, precision="32-true", loggers=loggers)
    bare = replace(bare, weights=None, weights_for=None)
    found = next(paths_in(bare.spec()), None)
    if found is not None:
        place, path = found
        raise UserError(
            f"recipe.yaml: {place}: {path!r} is a path of this machine, which no other has; train with a published "
            "checkpoint by its name, or without"
        )
    return bare


def paths_in(tree: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield each absolute path among the values of a tree, and paths below the home, with their places.

    Example:
        >>> list(paths_in({"parts": [{"file": "/data/clip", "name": "T1w/T2w"}]}))
        [('parts.0.file', '/data/clip')]
    """
    if isinstance(tree, str):
        if tree.startswith("~/") or PurePosixPath(tree).is_absolute() or PureWindowsPath(tree).is_absolute():
            yield place, tree
        return
    items: Any = tree.items() if isinstance(tree, Mapping) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield from paths_in(value, f"{place}.{key}".lstrip("."))
