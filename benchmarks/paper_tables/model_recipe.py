"""The recipe of a method at a size: inherited, overridden, limited, checked."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anysyn.errors import UserError
from anysyn.plugins import enrol
from anysyn.recipe.check import check
from anysyn.recipe.read import Source, apply, read
from paper_tables.cohorts import Fold, Subjects
from paper_tables.sizes import Size, overrides_of
from paper_tables.table import Method, Table

BEFORE_RESAMPLING = ("canonical", "nonnegative")
CARRIER = "small/label"  # its untrained network carries the simple baselines
Tree = dict[str, Any]


@dataclass(frozen=True)
class Purpose:
    """The purpose of a model of a method.

    Args:
        seed: Seed of its training.
        dataset: Dataset that it is trained on; all by default.
        task: Task that it is trained for; all by default.
        fold: Fold of the cross-validation; by default the split of the recipe.
    """

    seed: int
    dataset: str | None = None
    task: str | None = None
    fold: Fold | None = None

    def __str__(self) -> str:
        words = [f"seed {self.seed}", self.dataset, self.task, self.fold and f"fold {self.fold.name}"]
        return ", ".join(word for word in words if word)


def recipe_at(path: Path, method: Method, table: Table, size: Size, purpose: Purpose, subjects: Subjects) -> Tree:
    """Return the whole recipe of one model, as plain mappings and lists.

    Args:
        path: The recipe file; for a simple baseline, one whose data section is used.
        method: The method.
        table: The table.
        size: The size.
        purpose: Purpose of the model.
        subjects: The training subjects.

    Raises:
        UserError: If the recipe has mistakes, a line each.
    """
    enrol()
    source = read(path)
    if method.simple is not None:
        source = _carried(source)
    for override in [*size.overrides, *_purposes(method, table, size, purpose), f"seed={purpose.seed}"]:
        _override(source, override)
    for pattern, most in ({"stages.*.epochs": 0} if method.simple else size.limit).items():
        for dotted in _beyond(source.tree, pattern, most):
            apply(source, f"{dotted}={most:g}")
    data = source.tree.setdefault("data", {})
    data["root"] = str(subjects.root.resolve())
    if subjects.given:
        data |= table.data.fields()
    if size.spacing is not None and subjects.given:
        data["prepare"] = resampled(data.get("prepare", []), size.spacing)
    recipe, report = check(source)
    if report.mistakes:
        raise report.error()
    return recipe.spec()


def checked(path: Path) -> Tree:
    """Return a recipe as it comes with anysyn or lies beside a table, as plain mappings and lists.

    Args:
        path: The recipe as written.
    """
    recipe, _ = check(read(path))
    return recipe.spec()


def resampled(steps: Sequence[Mapping[str, Any]], spacing: float) -> list[Mapping[str, Any]]:
    """Set the voxel size of a recipe's preparation, so that all methods of a table are compared on the same grid.

    Args:
        steps: The preparation; if it has no resampling, it gets one before the steps that need its grid.
        spacing: Voxel size in mm.

    Example:
        >>> [step["name"] for step in resampled([{"name": "canonical"}, {"name": "crop"}, {"name": "rescale"}], 4)]
        ['canonical', 'resample', 'crop', 'rescale']
        >>> resampled([{"name": "resample", "spacing": [1, 1, 1], "interpolation": "bspline"}], 4)
        [{'name': 'resample', 'spacing': [4, 4, 4], 'interpolation': 'bspline'}]
    """
    wanted = {"name": "resample", "spacing": [spacing] * 3}
    if any(step["name"] == "resample" for step in steps):
        return [{**step, **wanted} if step["name"] == "resample" else step for step in steps]
    place = next((i for i, step in enumerate(steps) if step["name"] not in BEFORE_RESAMPLING), len(steps))
    return [*steps[:place], wanted, *steps[place:]]


def _carried(source: Source) -> Source:
    carrier = read(CARRIER)
    carrier.tree["data"] = {**source.tree["data"], "view": carrier.tree["data"]["view"], "augment": []}
    carrier.tree["modalities"] = source.tree["modalities"]
    return carrier


def _purposes(method: Method, table: Table, size: Size, purpose: Purpose) -> Iterator[str]:
    if table.modalities is not None:
        yield f"modalities=[{', '.join(table.modalities)}]"
    filled = _words(purpose)
    for override in overrides_of(method, size):
        yield re.sub(r"\{(dataset|sources|target|modalities)\}", lambda match: _filled(match, filled, method), override)
    if purpose.dataset is not None:
        yield f"data.datasets=[{purpose.dataset}]"
    if purpose.fold is not None:
        yield purpose.fold.override


def _words(purpose: Purpose) -> dict[str, str]:
    words = {} if purpose.dataset is None else {"dataset": purpose.dataset}
    if purpose.task is not None:
        sources, _, target = purpose.task.partition(":")
        names = sources.split("+")
        words["target"], words["sources"] = target, f"[{', '.join(names)}]"
        words["modalities"] = f"[{', '.join([*names, target])}]"
    return words


def _filled(match: re.Match[str], words: Mapping[str, str], method: Method) -> str:
    if match[1] not in words:
        raise UserError(f"methods.{method.name}: {match[0]} needs each: dataset or each: task")
    return words[match[1]]


def _override(source: Source, override: str) -> None:
    dotted, equals, text = override.partition("=")
    above, _, key = dotted.rpartition(".")  # the key need not be in the recipe
    for path in matching(source.tree, above) if "*" in above else [above]:
        apply(source, f"{path}.{key}{equals}{text}" if path else override)


def matching(tree: Any, pattern: str) -> list[str]:
    """Return the paths of a tree that match a pattern, in which ``*`` is any key or number of an item.

    Args:
        tree: Mappings and lists.
        pattern: For example ``stages.*.epochs``.

    Example:
        >>> matching({"stages": [{"epochs": 3}, {"epochs": 9}], "name": "x"}, "stages.*.epochs")
        ['stages.0.epochs', 'stages.1.epochs']
    """
    return [".".join(path) for path, _ in _walk(tree, pattern.split("."))]


def _walk(tree: Any, parts: Sequence[str], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not parts:
        yield path, tree
        return
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(tree, Mapping):
        items = tree.items()
    elif isinstance(tree, list):
        items = enumerate(tree)
    for key, value in items:
        if fnmatch.fnmatchcase(str(key), parts[0]):
            yield from _walk(value, parts[1:], (*path, str(key)))


def _beyond(tree: Any, pattern: str, most: float) -> list[str]:
    matches = _walk(tree, pattern.split("."))
    return [".".join(path) for path, value in matches if isinstance(value, int | float) and value > most]
