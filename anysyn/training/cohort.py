"""The cohort of a run: its subjects, found, split, prepared and recorded in the run folder."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from anysyn import build
from anysyn.data.loading.cache import Cache
from anysyn.data.loading.samples import Samples
from anysyn.data.prepare import Pipeline, TypicalWindows
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.data.subjects.find import find_subjects
from anysyn.data.subjects.splits import split_subjects
from anysyn.data.views import View
from anysyn.errors import UserError
from anysyn.progress import Progress
from anysyn.recipe import Recipe
from anysyn.registry import suggest
from anysyn.training.folder import RunFolder


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


def find_cohort(recipe: Recipe) -> FoundSubjects:
    """Find the subjects of a recipe.

    Raises:
        UserError: If the data are not there, cannot be split, or hold no subject to train on.
    """
    data = recipe.data
    found = find_subjects(data.root or "", layout=data.layout, dataset=data.as_dataset, names=data.names)
    subjects = _of_datasets(found.subjects, data.datasets)
    _check_trainable(recipe, _chosen(subjects, _whole_split(recipe, found.subjects)["train"], recipe))
    return found


def cohort_of(
    recipe: Recipe,
    folder: RunFolder,
    progress: Progress,
    *,
    found: FoundSubjects | None = None,
    prepare_anew: bool = False,
) -> Cohort:
    """Split and prepare the subjects of a recipe; record split, windows, datasets and failures in the run folder.

    Args:
        recipe: The checked recipe.
        folder: Where it is recorded.
        progress: What shows the progress.
        found: Its subjects; searched for if they are None.
        prepare_anew: Whether images that were prepared before are prepared once more.

    Raises:
        UserError: If there is no subject to train on.
    """
    data, found = recipe.data, found or find_cohort(recipe)
    subjects = _of_datasets(found.subjects, data.datasets)
    parts = _split(recipe, found.subjects, {subject.key for subject in subjects}, folder)
    datasets = _datasets(subjects, folder)
    chosen = {part: _chosen(subjects, keys, recipe) for part, keys in parts.items()}
    cache = Cache(Path(data.cache) if data.cache else folder.path / "cache", anew=prepare_anew)
    train, validation = (
        _samples(recipe, cache, part, chosen[part], datasets, progress) for part in ("train", "validation")
    )
    _check_trainable(recipe, chosen["train"])
    assert train is not None
    folder.write("windows.json", _windows(train.typical, folder).to_json())
    folder.write("datasets.json", datasets)
    # A split by lists leaves some subjects out; their failures do not matter here.
    absent = {subject.key for subject in found.subjects}.difference(*parts.values())
    unread = (failure for failure in found.failures if failure.key not in absent)
    failures = (*unread, *train.failures, *(validation.failures if validation else ()))
    folder.write("failures.json", [{"subject": failure.key, "reason": failure.reason} for failure in failures])
    return Cohort(tuple(recipe.modalities), train, validation, recipe.seed, failures)


def _datasets(subjects: Sequence[Subject], folder: RunFolder) -> list[str]:
    """Return the datasets in the order of their numbers; a resumed or adapted run keeps its numbers."""
    if (folder.path / "datasets.json").is_file():
        before: list[str] = folder.read("datasets.json")
        return before
    return sorted({subject.dataset for subject in subjects})


def _windows(typical: TypicalWindows, folder: RunFolder) -> TypicalWindows:
    """Return the typical windows, with those that a resumed or adapted run has already unchanged."""
    if not (folder.path / "windows.json").is_file():
        return typical
    before = TypicalWindows.from_json(folder.read("windows.json"))
    return TypicalWindows({**typical.overall, **before.overall}, {**typical.datasets, **before.datasets})


def _of_datasets(subjects: Sequence[Subject], chosen: Sequence[str] | None) -> list[Subject]:
    known = {subject.dataset for subject in subjects}
    for name in chosen or ():
        if name not in known:
            raise UserError(f"data.datasets: no subject is of dataset {name!r}; {suggest(name, known)}")
    return [subject for subject in subjects if chosen is None or subject.dataset in chosen]


def _split(
    recipe: Recipe, subjects: Sequence[Subject], kept: Collection[str], folder: RunFolder
) -> dict[str, list[str]]:
    """Split all subjects, then keep those of `kept`: a dataset gets the same split alone as among the others."""
    if (folder.path / "split.json").is_file():  # a resumed run keeps its split, even if subjects were added
        before: dict[str, list[str]] = folder.read("split.json")
        return before
    whole = _whole_split(recipe, subjects)
    parts = {part: [key for key in keys if key in kept] for part, keys in whole.items()}
    folder.write("split.json", parts)
    return parts


def _whole_split(recipe: Recipe, subjects: Sequence[Subject]) -> dict[str, list[str]]:
    split = recipe.data.split
    return split_subjects(subjects, train=split.train, validation=split.validation, test=split.test, seed=split.seed)


def _check_trainable(recipe: Recipe, training: Sequence[Subject]) -> None:
    if not training:
        raise UserError(f"{recipe.data.root}: no training subject has two of {', '.join(recipe.modalities)}")


def _chosen(subjects: Sequence[Subject], keys: Sequence[str], recipe: Recipe) -> list[Subject]:
    wanted, names = set(keys), set(recipe.modalities)
    return [s for s in subjects if s.key in wanted and len(names & s.images.keys()) > 1]


def _samples(
    recipe: Recipe, cache: Cache, part: str, chosen: Sequence[Subject], datasets: Sequence[str], progress: Progress
) -> Samples | None:
    if not chosen:
        return None
    data = recipe.data
    return Samples.prepare(
        chosen,
        modalities=recipe.modalities,
        pipeline=Pipeline(tuple(build.make(recipe, spec, "prepare") for spec in data.prepare)),
        view=build.make(recipe, data.view, "view"),
        cache=cache,
        resample_to=data.resample_to,
        datasets=datasets,
        augment=[build.make(recipe, spec, "augment") for spec in data.augment] if part == "train" else (),
        progress=lambda each: progress.over(f"prepare {part}", list(each)),
    )
