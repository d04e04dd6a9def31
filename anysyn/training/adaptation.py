"""Adaptation: a dataset added to a trained run; only its modulation is fitted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import nn

from anysyn import build
from anysyn.bounds import Count, Positive, within_bounds
from anysyn.files import locked
from anysyn.progress import Progress
from anysyn.recipe import Recipe, Stage
from anysyn.recipe.sections import Split, Step
from anysyn.synthesizer import Synthesizer
from anysyn.training.cohorts.selection import find_cohort
from anysyn.training.fit import TrainingResult, resume
from anysyn.training.run_folder.checkpoints import Checkpoint, Checkpoints
from anysyn.training.run_folder.folder import RunError, RunFolder
from anysyn.training.run_folder.names import HasFolder, find_run
from anysyn.training.stage import Position


@within_bounds
def adapt(
    run: str | Path | HasFolder,
    *,
    data: str | Path,
    name: str,
    out: str | Path,
    epochs: Count = 30,
    lr: Positive = 1e-2,
    overwrite: bool = False,
    accelerator: str = "auto",
    progress: Progress | bool | None = None,
) -> TrainingResult:
    """Add a dataset to a trained run that is conditioned on datasets by ``film``, as a new run.

    At each site that the dataset modulates, the new one gets a scale and a shift of its own after those that the old
    heads return for its number. They begin at 1 and 0, and nothing else is fitted. The outputs for the old datasets do
    not change in any bit.

    Args:
        run: The trained run, by its folder or its name; it is not changed.
        data: A few subjects of the new dataset, in any layout.
        name: Name of the new dataset, for ``--dataset``.
        out: The run folder to make; it does not need the old one.
        epochs: Passes over the subjects.
        lr: Learning rate of Adam.
        overwrite: Whether an earlier run in that folder may be deleted.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        progress: True shows it, in a notebook as a line for each task; or what shows it.

    Raises:
        RunError: If the run has no such modulation, batch norms, no weights, or a dataset of this name.
    """
    source, folder = find_run(run), RunFolder(Path(out))
    if not source.weights.is_file():
        raise RunError(f"{source.path} holds no weights: its training is not finished")
    if folder.path.resolve() == source.path.resolve():
        raise RunError(f"--out {folder.path} is the run itself, which is left as it is; choose another folder")
    old = build.load(source.recipe, lay_out=False)
    find_cohort(old, data)  # so that a mistake in it is reported before there is a folder
    datasets: list[str] = source.read("datasets.json")
    if name in (*datasets, "mean"):
        raise RunError(f"--name {name}: the run has {', '.join(datasets)}, mean; choose another name")
    recipe = _adapted(old, data=os.path.abspath(data), name=name, number=len(datasets), epochs=epochs, lr=lr)
    parts = build.parts(recipe)
    if any(isinstance(module, (nn.BatchNorm2d, nn.BatchNorm3d)) for module in parts[_synthesizer(old)].modules()):
        raise RunError(f"{source.path} has batch norms, which the new dataset would move; train with `norm: group`")
    parts.load_state_dict({**parts.state_dict(), **Checkpoints(source).load_weights()})
    with locked(folder.path, "anysyn adapt"):
        folder.begin(recipe, overwrite=overwrite)
        folder.write("datasets.json", [*datasets, name])
        folder.write("windows.json", source.read("windows.json"))
        Checkpoints(folder).save("adapted", Checkpoint(parts.state_dict(), {}, asdict(Position()), [], {}))
        folder.write_recipe(recipe)  # last: resumed without the weights of the run, it would adapt random ones
    return resume(folder.path, accelerator=accelerator, progress=progress)


def _adapted(old: Recipe, *, data: str, name: str, number: int, epochs: int, lr: float) -> Recipe:
    """Return the recipe of the adaptation: one more conditioner for each that is conditioned on the dataset."""
    part = _synthesizer(old)
    spec = _plain(old.parts[part])
    conditioners = spec.get("conditioners", [])
    added = [
        {"name": "film", "at": film["at"], "bias": False, "reads": {"name": "one_dataset", "number": number}}
        for film in conditioners
        if film["name"] == "film" and film["reads"]["name"] == "dataset"
    ]
    if not added:
        raise RunError(f"recipe {old.name}: no conditioner is {{name: film, reads: {{name: dataset}}}}")
    first = len(conditioners)
    spec["conditioners"] = [*conditioners, *added]
    learned = [f"{part}.conditioners.{first + n}" for n in range(len(added))]
    split = Split(seed=old.data.split.seed)
    section = replace(old.data, root=data, layout="auto", datasets=None, as_dataset=name, split=split, cache=None)
    stages = [_stage(old, learned, epochs, lr)]
    parts: Any = {**old.parts, part: spec}
    return replace(old, data=section, parts=parts, stages=stages, weights=None, weights_for=None)


def _synthesizer(recipe: Recipe) -> str:
    names = build.named(recipe, Synthesizer)
    if not names:
        raise RunError(f"recipe {recipe.name} has no synthesizer among its parts ({', '.join(recipe.parts)})")
    return names[-1]


def _stage(old: Recipe, learned: Sequence[str], epochs: int, lr: float) -> Stage:
    """Return the last stage, fitting only the new parameters, without discriminators: they saw no new images."""
    stage = old.stages[-1]
    objectives = [_plain(step.objective) for step in stage.steps]
    objective = next((spec for spec in objectives if spec["name"] == "synthesis"), None)
    if objective is None:
        raise RunError(f"recipe {old.name}: its last stage {stage.name} has no objective {{name: synthesis}}")
    objective["losses"] = [loss for loss in objective["losses"] if "discriminator" not in loss]
    step: Any = {"objective": objective, "train": learned, "optimizer": {"name": "adam", "lr": lr}}
    return replace(stage, name="adaptation", epochs=epochs, steps=[Step(**step)], ema=None, accumulate=1, data=None)


def _plain(spec: Any) -> dict[str, Any]:
    """Return a copy of a part of a recipe as a plain mapping."""
    return dict(deepcopy(spec))
