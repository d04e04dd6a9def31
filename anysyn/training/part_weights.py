"""Weights of single parts, taken from parts of other runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from anysyn import build
from anysyn.errors import UserError
from anysyn.recipe import Recipe
from anysyn.registry import suggest
from anysyn.training.run_folder.checkpoints import Checkpoints
from anysyn.training.run_folder.folder import RunError, RunFolder
from anysyn.training.run_folder.names import find_run
from anysyn.types import ImageTextModel

SHOWN = 3  # weights that a message names


@dataclass(frozen=True)
class TakenPart:
    """The weights of a part, from a part of another run.

    Args:
        part: Name of the part in the recipe.
        run: The other run.
        of: Name of the part there.
        weights: By their names in the recipe.
        numbered: Whether it knows modalities and datasets by their numbers; a CLIP knows modalities by their words.
        datasets: Datasets of the run, in the order of their numbers.
    """

    part: str
    run: RunFolder
    of: str
    weights: Mapping[str, Tensor]
    numbered: bool
    datasets: Sequence[str]

    @property
    def source(self) -> str:
        """Return what it is taken from, for messages."""
        return f"{self.run.path}:{self.of}"


def parted_run(named: str) -> tuple[str, str | None]:
    """Divide ``RUN[:part]``; a colon of a path is none before a part.

    Example:
        >>> parted_run("runs/a:clip"), parted_run("runs/a"), parted_run("C:/runs/a")
        (('runs/a', 'clip'), ('runs/a', None), ('C:/runs/a', None))
    """
    run, colon, part = named.rpartition(":")
    if not colon or os.path.isdir(named) or not part or set(part) & {"/", "\\"}:
        return named, None
    return run, part


def taken_parts(recipe: Recipe, own: Mapping[str, Tensor]) -> list[TakenPart]:
    """Read the parts of other runs that parts of a recipe begin with.

    Args:
        recipe: The checked recipe, whose ``weights`` are by part.
        own: The weights of its networks; without memory is enough.

    Raises:
        RunError: If a run or a part is not there, or does not fit; a line for each.
    """
    taken, mistakes = list[TakenPart](), list[str]()
    named_by_part = recipe.weights if isinstance(recipe.weights, Mapping) else {}
    for part, named in named_by_part.items():
        try:
            taken.append(_taken(recipe, own, part, named))
        except UserError as error:
            mistakes.append(f"weights.{part}: {error}")
    if recipe.weights_for is not None:
        mistakes.append("weights_for: is for the weights of one run; leave it out where weights are named by part")
    mistakes += _mixed([each for each in taken if each.numbered])
    if mistakes:
        raise RunError("\n".join(mistakes))
    return taken


def _taken(recipe: Recipe, own: Mapping[str, Tensor], part: str, named: str) -> TakenPart:
    if part not in recipe.parts:
        raise RunError(f"no part is called {part!r}; {suggest(part, recipe.parts)}")
    name, of = parted_run(named)
    run, of = find_run(name), of or part
    theirs = build.load(run.recipe, lay_out=False)
    if of not in theirs.parts:
        raise RunError(f"{run.path} has no part {of!r}; {suggest(of, theirs.parts)}; name it as {run.path}:PART")
    numbered = part not in build.named(recipe, ImageTextModel)
    if numbered and list(theirs.modalities) != list(recipe.modalities):
        raise RunError(
            f"{run.path} knows the modalities {', '.join(theirs.modalities)} by their numbers, and the recipe has "
            f"{', '.join(recipe.modalities)}; write modalities=[{','.join(theirs.modalities)}]"
        )
    there = Checkpoints(run).load_weights()
    weights = {f"{part}{key[len(of) :]}": weight for key, weight in there.items() if key.startswith(f"{of}.")}
    mine = {key: weight for key, weight in own.items() if key.startswith(f"{part}.")}
    faults = [*faults_of(mine, weights), *(f"the recipe has no {key}" for key in weights if key not in mine)]
    if faults:
        raise RunError(f"{run.path}:{of} does not fit the recipe: {first(faults, '; ')}; see both in `anysyn show`")
    return TakenPart(part, run, of, weights, numbered, run.read("datasets.json"))


def _mixed(parts: Sequence[TakenPart]) -> Iterator[str]:
    """Yield a message for each part whose run numbers other datasets than the run of the first part."""
    for each in parts[1:]:
        if list(each.datasets) != list(parts[0].datasets):
            yield (
                f"weights.{each.part}: {each.run.path} and {parts[0].run.path} number different datasets "
                f"({', '.join(each.datasets)}; {', '.join(parts[0].datasets)}); take both parts from one run"
            )


def faults_of(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> Iterator[str]:
    """Yield each weight that is lacking or has another shape than that of a network.

    Args:
        own: The weights of the network; without memory is enough.
        weights: Those that it is to begin with.

    Example:
        >>> import torch
        >>> list(faults_of({"a": torch.ones(2), "b": torch.ones(3)}, {"b": torch.ones(4)}))
        ['it has no a', 'b is 4, and the recipe makes it 3']
    """
    yield from (f"it has no {name}" for name in own if name not in weights)
    for name, made in own.items():
        if name in weights and weights[name].shape != made.shape:
            sizes = (" x ".join(map(str, tensor.shape)) or "one value" for tensor in (weights[name], made))
            yield "{} is {}, and the recipe makes it {}".format(name, *sizes)


def first(names: Sequence[str], between: str = ", ") -> str:
    """Return the first names, and how many more there are.

    Example:
        >>> first(["a", "b", "c", "d"])
        'a, b, c, 1 more'
    """
    more = f"{between}{len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return between.join(names[:SHOWN]) + more
