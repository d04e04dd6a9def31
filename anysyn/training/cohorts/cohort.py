"""The cohort of a run: its subjects, found, split, prepared and recorded in the run folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from anysyn import build
from anysyn.data.inventory.inventory import Inventory
from anysyn.data.inventory.record import keep, record
from anysyn.data.loading.cache import Cache, user_cache
from anysyn.data.loading.samples import NoSubjectError, Samples
from anysyn.data.prepare import Pipeline, TypicalWindows
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.data.subjects.splits import PARTS
from anysyn.data.views import View
from anysyn.errors import RecipeError, UserError
from anysyn.progress import Progress
from anysyn.recipe import Recipe
from anysyn.scans.training_study import training_study
from anysyn.text.counts import counted
from anysyn.training.cohorts.selection import find_cohort, inventory_of, of_datasets, split_of
from anysyn.training.run_folder.checkpoints import fitting
from anysyn.training.run_folder.folder import RunFolder


@dataclass(frozen=True)
class Cohort:
    """Training and validation samples of a run.

    Args:
        names: The recipe's modalities.
        train: Training samples.
        validation: Validation samples, by which epochs are compared; None if the split has none.
        seed: Seed of the validation's queries.
        failures: Subjects that could not be used, and why.
    """

    names: tuple[str, ...]
    train: Samples
    validation: Samples | None
    seed: int
    failures: tuple[Failure, ...]

    def seen_by(self, view: View | None) -> Cohort:
        """Return the samples of the same subjects by the view of a stage; None is the view of the recipe."""
        if view is None:
            return self
        validation = None if self.validation is None else self.validation.seen_by(view)
        return replace(self, train=self.train.seen_by(view), validation=validation)


def find_trainable(recipe: Recipe) -> FoundSubjects:
    """Find the subjects of a recipe, before there is a run folder.

    Raises:
        UserError: If the data are not there, cannot be split, or hold no subject to train on.
    """
    found = find_cohort(recipe)
    inventory = inventory_of(recipe, found, split_of(recipe, found.subjects), recipe.data.root or "")
    _check_trainable(recipe, inventory)
    return found


def cohort_of(
    recipe: Recipe,
    folder: RunFolder,
    progress: Progress,
    *,
    found: FoundSubjects | None = None,
    prepare_anew: bool = False,
) -> Cohort:
    """Split and prepare the subjects of a recipe; record them and what was left out in the run folder.

    A subject that cannot be read is listed and the others are used. If none of the validation can be, training goes on
    without validation.

    Args:
        recipe: The checked recipe.
        folder: Where it is recorded.
        progress: What shows the progress.
        found: Its subjects; searched for if they are None.
        prepare_anew: Whether images that were prepared before are prepared once more.

    Raises:
        UserError: If there is no subject to train on.
    """
    inventory = _inventory(recipe, folder, found or find_cohort(recipe))
    record(inventory, folder.path, progress.say)
    chosen = {part: _chosen(inventory, part) for part in PARTS}
    _check_trainable(recipe, inventory)
    for line in _empty_parts(recipe, inventory, chosen):
        progress.warn(line)
    datasets = _datasets(of_datasets(recipe, inventory.subjects), folder)
    cache = Cache(recipe.data.cache or user_cache(), anew=prepare_anew)
    train = _samples(recipe, cache, "train", chosen["train"], datasets, progress)
    validation, unread = _validation(recipe, cache, chosen["validation"], datasets, progress)
    folder.write("windows.json", _windows(train.typical, folder).to_json())
    folder.write("datasets.json", datasets)
    if not (folder.path / "study.json").is_file():
        folder.write("study.json", training_study(recipe.data.root, chosen["train"]))
    failures = (*inventory.failures, *train.failures, *unread)
    volumes = (*train.volumes, *(validation.volumes if validation else ()))
    ignored = (*inventory.ignored, *(file for volume in volumes for file in volume.blank))
    keep(replace(inventory, found=replace(inventory.found, failures=failures, ignored=ignored)), folder.path)
    folder.write("failures.json", [{"subject": failure.key, "reason": failure.reason} for failure in failures])
    _record_remarks((*train.remarks, *(validation.remarks if validation else ())), folder, progress)
    for line in _remarks(train, validation, len(chosen["validation"])):
        progress.say(line)
    return Cohort(tuple(recipe.modalities), train, validation, recipe.seed, failures)


def _inventory(recipe: Recipe, folder: RunFolder, found: FoundSubjects) -> Inventory:
    if (folder.path / "split.json").is_file():  # a resumed run keeps its split, even if subjects were added
        parts: dict[str, list[str]] = folder.read("split.json")
    else:
        parts = split_of(recipe, found.subjects)
        folder.write("split.json", parts)
    return inventory_of(recipe, found, parts, recipe.data.root or "")


def _validation(
    recipe: Recipe, cache: Cache, chosen: Sequence[Subject], datasets: Sequence[str], progress: Progress
) -> tuple[Samples | None, tuple[Failure, ...]]:
    """Return the samples of the validation, None if there are none, and the subjects that cannot be read."""
    if not chosen:
        return None, ()
    try:
        samples = _samples(recipe, cache, "validation", chosen, datasets, progress)
    except NoSubjectError as error:
        return None, error.failures
    return samples, samples.failures


def _empty_parts(recipe: Recipe, inventory: Inventory, chosen: Mapping[str, Sequence[Subject]]) -> Iterator[str]:
    """Yield a line for each part of the split that nobody is in though it was asked for."""
    means = {
        "validation": "each stage keeps the weights of its last epoch, not of its best one, there is no "
        "validation.csv, and `anysyn calibrate` needs other people (--data FOLDER --split all)",
        "test": "`anysyn evaluate` needs --split validation, or other people (--data FOLDER --split all)",
    }
    people = counted(len({subject.person or subject.key for subject in inventory.subjects}), "person", "people")
    for part, follows in means.items():
        asked = getattr(recipe.data.split, part)
        if not chosen[part] and (asked or part == "validation"):
            why = f", {people} being too few for data.split.{part}" if asked else ""
            yield f"note: no {part} subject{why}: {follows}"


def _remarks(train: Samples, validation: Samples | None, wanted: int) -> Iterator[str]:
    if len(train.volumes) == 1:
        yield f"note: one training subject, {train.volumes[0].subject.key}: the networks see no other anatomy"
    if validation is None and wanted:
        yield "note: no validation subject could be read: stages keep the weights of their last epoch, not the best"


def _record_remarks(remarks: Sequence[Failure], folder: RunFolder, progress: Progress) -> None:
    """Keep what was assumed about units, and which images count as absent; say how many there are, and the first."""
    folder.write("remarks.json", [{"subject": remark.key, "reason": remark.reason} for remark in remarks])
    if remarks:
        progress.say(f"images read with a remark: {len(remarks)}, all in {folder.path / 'remarks.json'}; {remarks[0]}")


def _datasets(subjects: Sequence[Subject], folder: RunFolder) -> list[str]:
    """Return the datasets in the order of their numbers; a resumed or adapted run keeps its numbers."""
    if (folder.path / "datasets.json").is_file():
        before: list[str] = folder.read("datasets.json")
        return before
    return sorted({subject.dataset for subject in subjects})


def _windows(typical: TypicalWindows, folder: RunFolder) -> TypicalWindows:
    """Return the typical windows, with those that a resumed or adapted run has already unchanged.

    A fine-tuned run has those of its own data, and of its origin those that its data do not have.
    """
    if not (folder.path / "windows.json").is_file():
        return typical if not (folder.path / "origin.json").is_file() else _over_origin(typical, folder)
    with fitting(folder.path / "windows.json"):
        before = TypicalWindows.from_json(folder.read("windows.json"))
    return TypicalWindows({**typical.overall, **before.overall}, {**typical.datasets, **before.datasets})


def _over_origin(typical: TypicalWindows, folder: RunFolder) -> TypicalWindows:
    with fitting(folder.path / "origin.json"):
        origin = TypicalWindows.from_json(folder.read("origin.json")["windows"])
    datasets = {name: {**origin.datasets.get(name, {}), **own} for name, own in typical.datasets.items()}
    return TypicalWindows({**origin.overall, **typical.overall}, {**origin.datasets, **datasets})


def _chosen(inventory: Inventory, part: str) -> list[Subject]:
    return [subject for subject in inventory.subjects if inventory.parts.get(subject.key) == part]


def _check_trainable(recipe: Recipe, inventory: Inventory) -> None:
    if _chosen(inventory, "train"):
        return
    where, others = recipe.data.root, sorted(set(inventory.parts.values()))
    if others:
        people = counted(len(inventory.parts), "such subject is", "such subjects are") + f" in {' and '.join(others)}"
        raise UserError(
            f"{where}: nobody to train on has two of {', '.join(recipe.modalities)}: {people}; "
            "write who is where, for example data.split={train: [sub-01], validation: [], test: [sub-02]}"
        )
    raise UserError(f"{where}: no training subject has two of {', '.join(recipe.modalities)}")


def _samples(
    recipe: Recipe, cache: Cache, part: str, chosen: Sequence[Subject], datasets: Sequence[str], progress: Progress
) -> Samples:
    data = recipe.data
    changes = {
        key: [build.make(recipe, spec, "augment") for spec in specs] if part == "train" else ()
        for key, specs in (("augment", data.augment), ("augment_sources", data.augment_sources))
    }
    view: View = build.make(recipe, data.view, "view")
    if view.block > 1:
        raise RecipeError(f"data.view.block: {view.block} is only for the view of a stage: synthesis reads every voxel")
    return Samples.prepare(
        chosen,
        modalities=recipe.modalities,
        pipeline=Pipeline(tuple(build.make(recipe, spec, "prepare") for spec in data.prepare)),
        view=view,
        cache=cache,
        resample_to=data.resample_to,
        datasets=datasets,
        **changes,
        jobs=data.jobs,
        progress=lambda each: progress.over(f"prepare {part}", list(each)),
    )
