"""The declaration of a table: methods, tasks, sets, metrics, layout, and the paper's values. It needs no torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

Dimension = Literal["set", "task", "metric", "method"]
DIMENSIONS: tuple[Dimension, ...] = ("set", "task", "metric", "method")
Place = tuple[str, str, str, str]  # set, task, metric, method
MEAN = "mean"


class Declared(BaseModel):
    """A declaration in YAML; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Cohort(Declared):
    """Subjects that are simulated if the user gives no data.

    Args:
        centres: Number of centres, or their letters.
        contrasts: Modalities of every subject; by default what its centre acquires.
        vary: Whether acquisitions are drawn from broad ranges.
        subjects: Number of subjects; by default that of the size.
        spacing: Voxel size in mm; by default that of the size.
        seed: Seed of the simulation.
    """

    centres: int | list[str] = 4
    contrasts: list[str] | None = None
    vary: bool = False
    subjects: int | None = None
    spacing: float | None = None
    seed: int = 0


class Reading(Declared):
    """How the user's subjects are read, for a table of a public data set that is read as it is distributed.

    Args:
        names: Modality, or ``none``, by a glob of file names, as ``data.names`` of a recipe has it.
        resample_to: Modality whose grid the others are resampled to if a subject's grids differ.
    """

    names: dict[str, str] = {}
    resample_to: str | None = None

    def fields(self) -> dict[str, Any]:
        """Return what it says, as keys of the data section of a recipe."""
        return {key: value for key, value in self.model_dump().items() if value}


class Task(Declared):
    """A task of every method.

    Args:
        name: Its name in the table; a pair such as ``T1w:T2w`` is its own name.
        corruption: Corruption of the sources.
        severity: Severity of the corruption.
    """

    name: str
    corruption: str | None = None
    severity: str | None = None


class SubjectSet(Declared):
    """A set of test subjects.

    Args:
        cohort: Another cohort, with all of its subjects; by default the test subjects of the training cohort.
        where: Values that columns of the cases must have, for example ``{dataset: A}``.
        tasks: Tasks of this set; by default those of the table.
    """

    cohort: Cohort | None = None
    where: dict[str, str] = {}
    tasks: list[Task] | None = None

    @field_validator("tasks", mode="before")
    @classmethod
    def _named(cls, tasks: Any) -> Any:
        return _tasks(tasks)


class Method(Declared):
    """A method of the table.

    Args:
        name: Its name in the table.
        recipe: Name of a recipe that comes with anysyn, or a YAML file beside the table; None if there is none.
        simple: A baseline that is not trained, by its label: ``source copied``, ``intensity regression``.
        answers: The method of the cases that counts, for example ``model``; by task, if they differ.
        each: Whether there is a model for each dataset, or for each task; by default one for all.
        overrides: Overrides of the recipe, each ``path.to.key=value``; by size, if they differ. A ``*`` is any key;
            ``{dataset}``, ``{sources}``, ``{target}`` and ``{modalities}`` are those that a model is for.
        dataset: Which training dataset a network that is conditioned on it is to take every subject for, or ``mean``
            for the mean of all; by default each subject's own.
    """

    name: str
    recipe: str | None = None
    simple: str | None = None
    answers: str | dict[str, str] = "model"
    each: Literal["dataset", "task"] | None = None
    overrides: list[str] | dict[str, list[str]] = []
    dataset: str | None = None

    def answer(self, task: str) -> str:
        """Return the method of the cases that counts for a task."""
        if self.simple is not None:
            return self.simple
        return self.answers if isinstance(self.answers, str) else self.answers.get(task, "model")


class Published(Declared):
    """The values of the paper.

    Args:
        lines: Dimensions of the keys of ``values``, from the outermost.
        columns: By dimension, the names that belong to the numbers of a line: lists of the same length.
        values: Nested mappings that end with lists: numbers, ``"27.17 ± 2.03"``, or null.
        parameters: By method, as printed.
    """

    lines: list[Dimension]
    columns: dict[Dimension, list[str]]
    values: dict[str, Any]
    parameters: dict[str, str] = {}


class Table(Declared):
    """The declaration of a table.

    Args:
        name: Name of the file.
        folder: Folder of the file, with recipes perhaps.
        title: Heading.
        about: Description of the comparison.
        paper: The paper with the published values.
        protocol: How images are compared.
        measure: The measurement: ``pairs``, ``embeddings``, ``alignment`` or ``segment``.
        metrics: In order.
        down: Dimensions of the rows, from the outermost.
        across: Dimensions of the columns, from the outermost.
        mean: Dimensions with an additional mean.
        parameters: Whether the number of parameters is shown.
        retrain: With ``segment``, whether to train a segmenter without each of the modalities, too.
        alone: With ``segment``, whether to train a segmenter for each modality that sees it alone, too.
        regions: With ``segment``, regions of label maps that are outlined, too.
        modalities: Modalities of every recipe; by default its own.
        data: How the user's subjects are read.
        cohort: The simulated training cohort.
        sets: Sets of test subjects by name; by default one without a name.
        tasks: Tasks of every set that has none of its own.
        pairs: Pairs that are measured for a task that is a corruption.
        methods: Methods in order.
        published: The values of the paper.
        sizes: By size, changes of ``sizes.yaml`` for this table.
    """

    name: str
    folder: Path
    title: str
    about: str
    paper: str = "none"
    protocol: str = "anysyn"
    measure: Literal["pairs", "embeddings", "alignment", "segment"] = "pairs"
    metrics: list[str] = Field(min_length=1)
    down: list[Dimension]
    across: list[Dimension]
    mean: list[Literal["task"]] = []
    parameters: bool = False
    retrain: bool = False
    alone: bool = False
    regions: list[str] = []
    modalities: list[str] | None = None
    data: Reading = Reading()
    cohort: Cohort = Cohort()
    sets: dict[str, SubjectSet] = {"": SubjectSet()}
    tasks: list[Task] = []
    pairs: list[str] = []
    methods: list[Method] = Field(min_length=1)
    published: Published | None = None
    sizes: dict[str, dict[str, Any]] = {}

    @field_validator("tasks", mode="before")
    @classmethod
    def _named(cls, tasks: Any) -> Any:
        return _tasks(tasks)

    def tasks_of(self, name: str) -> list[Task]:
        """Return the tasks of a set."""
        own = self.sets[name].tasks
        return self.tasks if own is None else own

    def pairs_of(self, task: Task) -> list[str]:
        """Return the pairs that a task is measured on."""
        return self.pairs if self.pairs else [task.name]

    def shown(self, dimension: Dimension) -> bool:
        """Return whether a dimension is in the layout."""
        return dimension in (*self.down, *self.across)

    def places(self) -> Iterator[Place]:
        """Yield the place of every cell, means included."""
        for name in self.sets:
            tasks = [task.name for task in self.tasks_of(name)] + ([MEAN] if "task" in self.mean else [])
            for task in tasks:
                for metric in self.metrics:
                    for method in self.methods:
                        yield name, task, metric, method.name


def _tasks(tasks: Any) -> Any:
    return [{"name": task} if isinstance(task, str) else task for task in tasks] if isinstance(tasks, list) else tasks
