"""Add a dataset to a trained run: its modulation alone is fitted, all else is frozen."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import nn

from anysyn import build
from anysyn.data.subjects.find import find_subjects
from anysyn.progress import Progress
from anysyn.recipe import Recipe, Stage
from anysyn.recipe.sections import Split, Step
from anysyn.synthesizer import Synthesizer
from anysyn.training.fit import TrainingResult, resume
from anysyn.training.folder import RunError, RunFolder
from anysyn.training.stage import Position


def adapt(
    run: str | Path,
    *,
    data: str | Path,
    name: str,
    out: str | Path,
    epochs: int = 30,
    lr: float = 1e-2,
    overwrite: bool = False,
    accelerator: str = "auto",
    progress: Progress | None = None,
) -> TrainingResult:
    """Add a dataset to a trained run whose ``film`` conditioners read the dataset; the result is a run of its own.

    At each site where the dataset modulates, the new one gets a scale and a shift of its own behind those that the old
    heads answer for its number. They begin at 1 and 0 and are all that is fitted. The outputs of the old datasets do
    not change in any bit.

    Args:
        run: The trained run; it is left as it is.
        data: A few subjects of the new dataset, in any layout.
        name: What the new dataset is called, and asked for by ``--dataset``.
        out: The run folder to make, which needs the old one no more.
        epochs: Passes over the subjects.
        lr: Learning rate of Adam.
        overwrite: Whether an earlier run in that folder may be deleted.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        progress: What shows the progress.

    Raises:
        RunError: If the run has no such modulation, batch norms, no weights, or a dataset of this name.
    """
    source, folder = RunFolder(Path(run)), RunFolder(Path(out))
    if not source.recipe.is_file() or not source.weights.is_file():
        raise RunError(f"{source.path} is no run folder, or its training is not finished")
    if folder.path.resolve() == source.path.resolve():
        raise RunError(f"--out {folder.path} is the run itself, which is left as it is; choose another folder")
    find_subjects(data)  # what is wrong with it is better known before there is a folder
    old = build.load(source.recipe, lay_out=False)
    datasets: list[str] = source.read("datasets.json")
    if name in (*datasets, "mean"):
        raise RunError(f"--name {name}: the run has {', '.join(datasets)}, mean; choose another name")
    recipe = _adapted(old, data=str(data), name=name, number=len(datasets), epochs=epochs, lr=lr)
    parts = build.parts(recipe)
    if any(isinstance(one, (nn.BatchNorm2d, nn.BatchNorm3d)) for one in parts[_synthesizer(old)].modules()):
        raise RunError(f"{source.path} has batch norms, which the new dataset would move; train with `norm: group`")
    parts.load_state_dict({**parts.state_dict(), **safetensors.torch.load_file(source.weights)})
    folder.create(recipe, overwrite=overwrite)
    folder.write("datasets.json", [*datasets, name])
    folder.write("windows.json", source.read("windows.json"))
    weights = {f"parts.{key}": value for key, value in parts.state_dict().items()}
    folder.save_checkpoint("adapted", weights, {"position": asdict(Position()), "optimizers": [], "precision": {}})
    return resume(folder.path, accelerator=accelerator, progress=progress)


def _adapted(old: Recipe, *, data: str, name: str, number: int, epochs: int, lr: float) -> Recipe:
    """Return the recipe of the adaptation: one more conditioner for each that modulates by the dataset."""
    part = _synthesizer(old)
    spec = _plain(old.parts[part])
    conditioners = spec.get("conditioners", [])
    added = [
        {"name": "film", "at": one["at"], "bias": False, "reads": {"name": "one_dataset", "number": number}}
        for one in conditioners
        if one["name"] == "film" and one["reads"]["name"] == "dataset"
    ]
    if not added:
        raise RunError(f"recipe {old.name}: no conditioner is {{name: film, reads: {{name: dataset}}}}")
    first = len(conditioners)
    spec["conditioners"] = [*conditioners, *added]
    learns = [f"{part}.conditioners.{first + n}" for n in range(len(added))]
    split = Split(seed=old.data.split.seed)
    there = replace(old.data, root=data, layout="auto", datasets=None, as_dataset=name, split=split, cache=None)
    stages = [_stage(old, learns, epochs, lr)]
    return replace(old, data=there, parts={**old.parts, part: spec}, stages=stages)  # type: ignore[dict-item]


def _synthesizer(recipe: Recipe) -> str:
    found = build.named(recipe, Synthesizer)
    if not found:
        raise RunError(f"recipe {recipe.name} has no synthesizer among its parts ({', '.join(recipe.parts)})")
    return found[-1]


def _stage(old: Recipe, learns: Sequence[str], epochs: int, lr: float) -> Stage:
    """Return the last stage as it fits the new parameters alone, without discriminators, which saw none of it."""
    stage = old.stages[-1]
    found = [step for step in stage.steps if _plain(step.objective)["name"] == "synthesis"]
    if not found:
        raise RunError(f"recipe {old.name}: its last stage {stage.name} has no objective {{name: synthesis}}")
    objective = _plain(found[0].objective)
    objective["losses"] = [loss for loss in objective["losses"] if "discriminator" not in loss]
    step: Any = {"objective": objective, "train": learns, "optimizer": {"name": "adam", "lr": lr}}
    return replace(stage, name="adaptation", epochs=epochs, steps=[Step(**step)], ema=None, accumulate=1)


def _plain(spec: Any) -> dict[str, Any]:
    """Return a part of a recipe that is not built yet as the mapping that it is."""
    return dict(deepcopy(spec))
