"""Train a recipe: stages, each a list of steps, from the data to the weights."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric

from anysyn import build
from anysyn.data.records import Failure
from anysyn.files import locked
from anysyn.progress import Progress, Silent, progress_of
from anysyn.recipe import Recipe, Stage
from anysyn.training.beginning import begin_with, origin_of, placed_weights
from anysyn.training.cohorts.stage_cohorts import cohorts_of, find_all
from anysyn.training.devices import emulated, fabric_on
from anysyn.training.execution import set_execution
from anysyn.training.not_finite import validation_failures
from anysyn.training.processes import first_then_all, in_first, processes_of
from anysyn.training.prompts import check_prompts
from anysyn.training.run_folder.checkpoints import Checkpoints, check_begun, fitting, write_tensors
from anysyn.training.run_folder.folder import RunError, RunFolder
from anysyn.training.run_folder.names import HasFolder, find_run
from anysyn.training.stage import Position, StageLoop, position_of
from anysyn.training.training_profile import keep_profile


@dataclass(frozen=True)
class TrainingResult:
    """The folder of a run, and the subjects that could not be read.

    Args:
        folder: The run folder.
        failures: What was left out, and why.
    """

    folder: Path
    failures: tuple[Failure, ...]


def train(
    recipe: str | Path | None = None,
    *,
    out: str | Path,
    overrides: str | Iterable[str] = (),
    from_run: str | Path | HasFolder | None = None,
    overwrite: bool = False,
    prepare_anew: bool = False,
    cache: str | Path | None = None,
    untrained: bool = False,
    accelerator: str = "auto",
    devices: int | str = "auto",
    progress: Progress | bool | None = None,
) -> TrainingResult:
    """Train a recipe into a new run folder.

    Args:
        recipe: A YAML file, or the name of a recipe that comes with anysyn; by default that of ``from_run``.
        out: The run folder.
        overrides: ``path.to.key=value``, or several.
        from_run: Run whose weights the networks begin with, by its folder or its name; the recipe's key ``weights``.
        overwrite: Whether an earlier run in that folder may be deleted.
        prepare_anew: Whether images that `data.cache` holds prepared are prepared once more.
        cache: Folder of prepared images; as `data.cache` by default.
        untrained: Whether a recipe without an epoch makes a run, of networks as they begin: for methods that learn
            nothing.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        devices: How many; under torchrun its number of processes decides.
        progress: True shows it, in a notebook as a line for each task; or what shows it.

    Raises:
        RecipeError: If the recipe has mistakes.
        RunError: If the folder is not empty or cannot be written, or the run to begin with is not there or does not
            fit.
        UserError: If another process trains in the folder, or the data cannot be used: there is no run folder then.
    """
    checked = placed_weights(_with_absolute_paths(_cached_in(_checked(recipe, overrides, from_run), cache)))
    if not untrained and not any(stage.epochs for stage in checked.stages):
        raise RunError("every stage has 0 epochs, so nothing would be trained; give one some: stages.0.epochs=1")
    folder, shown = RunFolder(Path(out)), progress_of(progress)
    origin = origin_of(checked, folder.path)
    fabric = _fabric(checked, accelerator, devices)
    # a mistake in the data leaves no folder, and an earlier run as it is
    found = first_then_all(fabric, lambda: find_all(checked))
    with _alone(fabric, folder):
        if origin is None:
            in_first(fabric, lambda: folder.create(checked, overwrite=overwrite))
        else:
            in_first(fabric, lambda: begin_with(origin, checked, folder, found.subjects, overwrite=overwrite))
        for line in origin.lines() if origin and fabric.is_global_zero else ():
            shown.say(line)
        return _fit(fabric, checked, folder, shown, found=found, prepare_anew=prepare_anew)


def resume(
    run: str | Path | HasFolder,
    *,
    prepare_anew: bool = False,
    cache: str | Path | None = None,
    accelerator: str = "auto",
    devices: int | str = "auto",
    progress: Progress | bool | None = None,
) -> TrainingResult:
    """Resume a run that was stopped; the result is that of an uninterrupted one.

    Args:
        run: The run folder.
        prepare_anew: Whether images that were prepared before are prepared once more.
        cache: Folder of prepared images; as the run's `data.cache` by default.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        devices: How many; under torchrun its number of processes decides.
        progress: True shows it, in a notebook as a line for each task; or what shows it.

    Raises:
        RunError: If the folder is not a run, or has weights but no checkpoint.
        UserError: If another process trains in the folder.
    """
    folder = find_run(run)
    folder.place("checkpoints", f"begin a run of your own with its weights: anysyn train --from-run {run} --out RUN")
    checked = _cached_in(build.load(folder.recipe), cache)
    fabric = _fabric(checked, accelerator, devices)
    with _alone(fabric, folder):
        in_first(fabric, folder.check_no_links)
        first_then_all(fabric, lambda: check_begun(folder, checked))
        return _fit(fabric, checked, folder, progress_of(progress), prepare_anew=prepare_anew)


def _checked(
    recipe: str | Path | None, overrides: str | Iterable[str], from_run: str | Path | HasFolder | None
) -> Recipe:
    """Return the checked recipe, by default that of the run to begin with."""
    if recipe is None and from_run is None:
        raise RunError("training needs a recipe, or a run to begin with: --from-run RUN")
    named = find_run(from_run).recipe if recipe is None and from_run is not None else recipe
    checked = build.load(named or "", overrides)
    if from_run is None:
        return checked
    named = from_run if isinstance(from_run, str | Path) else find_run(from_run).path
    return replace(checked, weights=str(named))


@contextmanager
def _alone(fabric: Fabric, folder: RunFolder) -> Iterator[None]:
    """Lock the run folder for all processes of one training; the first of them holds the lock."""
    with ExitStack() as held:
        in_first(fabric, lambda: held.enter_context(locked(folder.path, "anysyn train")))
        yield


def _cached_in(recipe: Recipe, cache: str | Path | None) -> Recipe:
    return recipe if cache is None else replace(recipe, data=replace(recipe.data, cache=os.path.abspath(cache)))


def _with_absolute_paths(recipe: Recipe) -> Recipe:
    """Return the recipe with paths that a later command understands in whatever folder it is called."""
    root, cache = (None if path is None else os.path.abspath(path) for path in (recipe.data.root, recipe.data.cache))
    data, plugins = replace(recipe.data, root=root, cache=cache), [os.path.abspath(path) for path in recipe.plugins]
    return replace(recipe, data=data, stages=[_placed(stage) for stage in recipe.stages], plugins=plugins)


def _placed(stage: Stage) -> Stage:
    if stage.data is None:
        return stage
    return replace(stage, data=replace(stage.data, root=os.path.abspath(stage.data.root)))


def _fabric(recipe: Recipe, accelerator: str, devices: int | str) -> Fabric:
    if recipe.data.root is None:
        raise RunError("the recipe names no data to train on; add data.root=FOLDER")
    here, nodes = processes_of(accelerator, devices)
    fabric = fabric_on(accelerator, here, recipe.precision, nodes=nodes)
    fabric.launch()
    return fabric


def _fit(fabric: Fabric, recipe: Recipe, folder: RunFolder, progress: Progress, **of_cohort: Any) -> TrainingResult:
    shown = progress if fabric.is_global_zero else Silent()
    if slow := emulated(fabric.device, recipe.precision):
        shown.say(f"note: {slow}")
    checkpoint = Checkpoints(folder).last()
    position = Position()
    if checkpoint is not None:
        with fitting(folder.checkpoints):
            position = position_of(checkpoint, len(recipe.stages))
    made = {"begin": position.stage, **of_cohort}
    cohorts = first_then_all(fabric, lambda: cohorts_of(recipe, folder, shown, **made))
    parts = build.parts(recipe).to(fabric.device)
    set_execution(recipe, parts)
    check_prompts(recipe, parts, cohorts)
    if checkpoint is not None:
        with fitting(folder.checkpoints):
            parts.load_state_dict(checkpoint.parts)
    while position.stage < len(recipe.stages):
        if recipe.stages[position.stage].epochs == 0:
            position = replace(position, stage=position.stage + 1)
            continue
        loop = StageLoop(
            fabric=fabric,
            recipe=recipe,
            parts=parts,
            folder=folder,
            cohort=cohorts.of(recipe.stages[position.stage]),
            progress=shown,
            position=position,
        )
        if checkpoint is not None and checkpoint.optimizers:
            with fitting(folder.checkpoints):
                loop.restore(checkpoint)
        checkpoint = None
        position = loop.run()
    if fabric.is_global_zero:  # the others need it no more
        write_tensors(folder.weights, parts.state_dict())
        keep_profile(recipe, folder, [volume.subject for volume in cohorts.main.train.volumes], shown)
    fabric.barrier()
    return TrainingResult(folder.path, (*cohorts.failures, *validation_failures(folder.validation)))
