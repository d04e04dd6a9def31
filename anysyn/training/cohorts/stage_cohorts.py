"""The cohorts of a training: that of the recipe, and those of stages with data of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from anysyn.data.records import Failure, FoundSubjects
from anysyn.errors import UserError
from anysyn.progress import Progress
from anysyn.recipe import Recipe, Stage
from anysyn.training.cohorts.cohort import Cohort, cohort_of, find_trainable
from anysyn.training.cohorts.selection import find_cohort, of_datasets
from anysyn.training.run_folder.folder import RunFolder


@dataclass(frozen=True)
class Found:
    """The subjects of a recipe, and by name of the stage those of stages with data of their own."""

    subjects: FoundSubjects
    stages: Mapping[str, FoundSubjects] = field(default_factory=dict)


@dataclass(frozen=True)
class Cohorts:
    """The cohort of a recipe, and by name of the stage those of stages with data of their own."""

    main: Cohort
    stages: Mapping[str, Cohort] = field(default_factory=dict)

    def of(self, stage: Stage) -> Cohort:
        """Return what a stage trains on."""
        return self.stages.get(stage.name, self.main)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Return all subjects that could not be used, and why."""
        return tuple(failure for cohort in (self.main, *self.stages.values()) for failure in cohort.failures)


def stage_recipes(recipe: Recipe, begin: int = 0) -> dict[str, Recipe]:
    """Return, by name of the stage, the recipe with the data of each stage that has its own.

    Args:
        recipe: The checked recipe.
        begin: Number of the first stage that is still to be trained.

    Example:
        >>> from anysyn import build
        >>> recipe = build.load("small/tumsyn", ["stages.0.data={root: others}"], lay_out=False)
        >>> {name: own.data.root for name, own in stage_recipes(recipe).items()}
        {'pretraining': 'others'}
    """
    own = {stage.name: stage.data for stage in recipe.stages[begin:] if stage.data is not None and stage.epochs}
    return {name: replace(recipe, data=data.within(recipe.data)) for name, data in own.items()}


def find_all(recipe: Recipe) -> Found:
    """Find the subjects of a recipe and of its stages, before there is a run folder.

    Raises:
        UserError: If some are not there, cannot be split, or none of them can be trained on; a line for each cohort.
    """
    found, mistakes = dict[str, FoundSubjects](), list[UserError]()
    places = {stage.name: f"stages.{i}.data: " for i, stage in enumerate(recipe.stages)}
    for name, own in {"": recipe, **stage_recipes(recipe)}.items():
        try:
            found[name] = find_trainable(own)
        except UserError as error:
            mistakes.append(UserError(f"{places[name]}{error}") if name else error)
    if len(mistakes) == 1:
        raise mistakes[0]
    if mistakes:
        raise UserError("\n".join(map(str, mistakes)))
    return Found(found.pop(""), found)


def cohorts_of(
    recipe: Recipe,
    folder: RunFolder,
    progress: Progress,
    *,
    begin: int = 0,
    found: Found | None = None,
    prepare_anew: bool = False,
) -> Cohorts:
    """Split and prepare the subjects of a recipe and of its stages; record them in the run folder.

    What is recorded of a stage's own subjects lies in ``cohorts/STAGE``. Their datasets are numbered after those of the
    recipe.

    Args:
        recipe: The checked recipe.
        folder: The run folder.
        progress: What shows the progress.
        begin: Number of the first stage that is still to be trained; the data of earlier ones are not needed.
        found: The subjects; searched for if they are None.
        prepare_anew: Whether images that were prepared before are prepared once more.

    Raises:
        UserError: If there is no subject to train on.
    """
    main = cohort_of(recipe, folder, progress, found=found.subjects if found else None, prepare_anew=prepare_anew)
    stages = {}
    for name, own in stage_recipes(recipe, begin).items():
        progress.say(f"stage {name} has data of its own")
        subjects, inside = (found.stages[name] if found else find_cohort(own)), folder.cohort(name)
        if not (inside.path / "datasets.json").is_file():
            inside.write("datasets.json", _numbered(folder.read("datasets.json"), own, subjects))
        stages[name] = cohort_of(own, inside, progress, found=subjects, prepare_anew=prepare_anew)
    return Cohorts(main, stages)


def _numbered(datasets: list[str], recipe: Recipe, found: FoundSubjects) -> list[str]:
    new = {subject.dataset for subject in of_datasets(recipe, found.subjects)} - set(datasets)
    return [*datasets, *sorted(new)]
