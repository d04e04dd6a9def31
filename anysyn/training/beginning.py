"""Fine-tuning: networks that begin with the weights of another run, which the new run then does without."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from anysyn import build
from anysyn.data.records import FoundSubjects
from anysyn.errors import UserError
from anysyn.files.hashes import digest
from anysyn.nn.layout import without_memory
from anysyn.recipe import Recipe
from anysyn.recipe.sections import means, nowhere
from anysyn.training.cohorts.selection import of_datasets
from anysyn.training.part_weights import faults_of, first, parted_run, taken_parts
from anysyn.training.run_folder.checkpoints import Checkpoint, Checkpoints
from anysyn.training.run_folder.folder import RunError, RunFolder
from anysyn.training.run_folder.names import find_run
from anysyn.training.stage import Position

REMEDY = "train the recipe of that run (name --from-run alone), or name what begins with it: weights_for=[...]"


@dataclass(frozen=True)
class Origin:
    """A run, or parts of several, whose weights another one begins with, read as a whole.

    Args:
        source: What is taken, for messages.
        weights: Those that are taken, by their names in the recipe.
        others: Weights of the recipe that begin as in any training.
        unused: Parts of the run that the recipe does not have.
        datasets: Its datasets, in the order of their numbers.
        windows: Its typical windows.
        about: What ``origin.json`` says of it beside the windows.
    """

    source: str
    weights: Mapping[str, Tensor]
    others: Sequence[str]
    unused: Sequence[str]
    datasets: Sequence[str]
    windows: Mapping[str, Any]
    about: Mapping[str, Any]

    def lines(self) -> Iterator[str]:
        """Yield what is taken, and what is not."""
        yield f"{len(self.weights)} of {len(self.weights) + len(self.others)} weights begin with {self.source}"
        if self.others:
            yield f"note: {first(self.others)} begin anew"
        if self.unused:
            yield f"note: parts of {self.source} that this recipe does not have are left: {', '.join(self.unused)}"


def origin_of(recipe: Recipe, out: Path) -> Origin | None:
    """Read the run, or the parts of runs, that a recipe begins with; None if it begins anew.

    Args:
        recipe: The checked recipe.
        out: The folder of the new run.

    Raises:
        RunError: If there is no such run, or ``weights_for`` is there without one; if a run has other modalities or
            another order of them, or its weights do not fit the networks of the recipe.
    """
    if recipe.weights is None:
        if recipe.weights_for is not None:
            raise RunError(
                "weights_for: no run is named whose weights these begin with; add weights=RUN, or --from-run"
            )
        return None
    if not isinstance(recipe.weights, str):
        return origin_of_parts(recipe, out)
    try:
        run = find_run(recipe.weights)
        theirs = build.load(run.recipe, lay_out=False)
    except UserError as error:
        raise RunError(f"weights: {error}") from error
    check_apart(run, out)
    _check_modalities(recipe, theirs, run)
    weights = Checkpoints(run).load_weights()
    with without_memory():
        own = build.parts(recipe, untrained=False).state_dict()
    chosen = _chosen(recipe, own)
    _check_fit({name: own[name] for name in chosen}, weights, run, recipe)
    return Origin(
        source=str(run.path),
        weights={name: weights[name] for name in chosen},
        others=[name for name in own if name not in chosen],
        unused=sorted({name.split(".")[0] for name in weights} - set(recipe.parts)),
        datasets=run.read("datasets.json"),
        windows=run.read("windows.json"),
        about={"run": run.path.resolve().name, "weights": digest(run.weights)},
    )


def check_apart(run: RunFolder, out: Path) -> None:
    """Refuse a folder of the new run that is the other run itself."""
    if run.path.resolve() == out.resolve():
        raise RunError(f"--out {out} is the run itself, which is left as it is; choose another folder")


def origin_of_parts(recipe: Recipe, out: Path) -> Origin:
    """Read the parts of runs that parts of a recipe begin with.

    Raises:
        RunError: If a run is not there, or what is taken does not fit; a line for each part.
    """
    with without_memory():
        own = build.parts(recipe, untrained=False).state_dict()
    taken = taken_parts(recipe, own)
    for each in taken:
        check_apart(each.run, out)
    weights = {name: weight for each in taken for name, weight in each.weights.items()}
    numbered = [each for each in taken if each.numbered]  # what they learned is by numbers of datasets and modalities
    first_of_all = numbered[0].run if numbered else None
    return Origin(
        source=", ".join(each.source for each in taken),
        weights=weights,
        others=[name for name in own if name not in weights],
        unused=(),
        datasets=first_of_all.read("datasets.json") if first_of_all else (),
        windows=first_of_all.read("windows.json") if first_of_all else {"overall": {}, "datasets": {}},
        about={
            "run": ", ".join(dict.fromkeys(each.run.path.resolve().name for each in taken)),
            "weights": ", ".join(dict.fromkeys(digest(each.run.weights) for each in taken)),
            "parts": {each.part: f"{each.run.path.resolve().name}:{each.of}" for each in taken},
        },
    )


def placed_weights(recipe: Recipe) -> Recipe:
    """Return a recipe whose runs to begin with are named by absolute paths."""
    if recipe.weights is None:
        return recipe
    if isinstance(recipe.weights, str):
        return replace(recipe, weights=_placed(recipe.weights))
    parted = {part: parted_run(named) for part, named in recipe.weights.items()}
    placed = {part: _placed(run) + (f":{of}" if of else "") for part, (run, of) in parted.items()}
    return replace(recipe, weights=placed)


def _placed(run: str) -> str:
    return os.path.abspath(run) if os.path.isdir(run) else run  # what is no folder is a name


def begin_with(origin: Origin, recipe: Recipe, folder: RunFolder, found: FoundSubjects, *, overwrite: bool) -> None:
    """Make a run folder whose training begins with the weights of another run, and needs that no more.

    Args:
        origin: The other run.
        recipe: The checked recipe.
        folder: The folder to make, which the caller has locked.
        found: The subjects of the recipe.
        overwrite: Whether an earlier run in that folder may be deleted.
    """
    parts = build.parts(recipe, untrained=bool(origin.others))
    parts.load_state_dict({**parts.state_dict(), **origin.weights})
    folder.begin(recipe, overwrite=overwrite)
    new = {subject.dataset for subject in of_datasets(recipe, found.subjects)} - set(origin.datasets)
    folder.write("datasets.json", [*origin.datasets, *sorted(new)])
    folder.write("origin.json", {**origin.about, "windows": origin.windows})
    Checkpoints(folder).save("initial", Checkpoint(parts.state_dict(), {}, asdict(Position()), [], {}))
    folder.write_recipe(recipe)  # last: resumed without the weights of the run, it would train random ones


def _check_modalities(recipe: Recipe, theirs: Recipe, run: RunFolder) -> None:
    own, known = list(recipe.modalities), list(theirs.modalities)
    if own != known:
        raise RunError(
            f"weights: {run.path} knows the modalities {', '.join(known)} by their numbers, and the recipe has "
            f"{', '.join(own)}; write modalities=[{','.join(known)}], of which subjects may lack some"
        )


def _chosen(recipe: Recipe, own: Mapping[str, Tensor]) -> list[str]:
    globs = ["*"] if recipe.weights_for is None else recipe.weights_for
    for message in nowhere(globs, own):
        raise RunError(f"weights_for: {message}")
    return [name for name in own if any(means(glob, name) for glob in globs)]


def _check_fit(own: Mapping[str, Tensor], weights: Mapping[str, Tensor], run: RunFolder, recipe: Recipe) -> None:
    """Refuse a run that lacks a weight or has it in another shape, or has more of a part than the recipe."""
    faults = list(faults_of(own, weights))
    if recipe.weights_for is None:
        same = (name for name in weights if name.split(".")[0] in recipe.parts)
        faults += [f"the recipe has no {name}" for name in same if name not in own]
    if faults:
        raise RunError(f"weights: {run.path} does not fit the recipe: {first(faults, '; ')}; {REMEDY}")
