"""Additions: what the recipes of some rows of a table have that the papers of these rows do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Tree = Mapping[str, Any]


def additions(recipes: Mapping[str, Tree], papers: Mapping[str, Tree]) -> dict[str, list[str]]:
    """Find what only some methods have beyond the recipe at their paper's size.

    Compared are shortcuts, augmentation, the scaling of images, stages, losses, clipped gradients and a moving average.

    Args:
        recipes: The resolved recipe of each method, by its name.
        papers: The resolved recipe at its paper's size.

    Returns:
        The names of the methods that have it, by what it is; nothing that all of them have.

    Example:
        >>> plain = {"data": {}, "parts": {}, "stages": []}
        >>> flipped = {**plain, "data": {"augment": [{"name": "flip"}]}}
        >>> additions({"A": plain, "B": flipped}, {"A": plain, "B": plain})
        {'augmentation flip': ['B']}
    """
    added = {name: set(_features(tree)) - set(_features(papers[name])) for name, tree in recipes.items()}
    found = {what: [name for name in added if what in added[name]] for what in sorted(set().union(*added.values()))}
    return {what: names for what, names in found.items() if len(names) < len(added)}


def _features(tree: Tree) -> Iterator[str]:
    for part in tree["parts"].values():
        if part.get("shortcut"):
            yield f"shortcut {part['shortcut']['name']}"
    yield from (f"augmentation {step['name']}" for step in tree["data"].get("augment", ()))
    yield from (f"images scaled by percentile {s['upper']:g}" for s in tree["data"].get("prepare", ()) if "upper" in s)
    for stage in tree["stages"]:
        if stage["epochs"]:
            yield from _of_stage(stage)


def _of_stage(stage: Tree) -> Iterator[str]:
    yield f"stage {stage['name']}"
    if stage.get("clip_gradient"):
        yield "clipped gradients"
    if stage.get("ema"):
        yield "moving average of the weights"
    for step in stage["steps"]:
        yield from (f"loss {loss['name']}" for loss in step["objective"].get("losses", ()))
