"""A table as it is declared: methods, tasks, sets, metrics, layout, and the paper's values. It needs no torch."""

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
    """Refuse keys that mean nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Cohort(Declared):
    """Say which subjects are simulated where the user gives no data.

    Args:
        centres: How many, or their letters.
        contrasts: Modalities of every subject; by default what its centre acquires.
        vary: Whether acquisitions are drawn from broad ranges.
        subjects: How many; the size says it otherwise.
        spacing: Voxel size in mm; the size says it otherwise.
        seed: Of the simulation.
    """

    centres: int | list[str] = 4
    contrasts: list[str] | None = None
    vary: bool = False
    subjects: int | None = None
    spacing: float | None = None
    seed: int = 0


class Task(Declared):
    """Say one thing that is asked of every method.

    Args:
        name: What the table calls it; a pair such as ``T1w:T2w`` is its own name.
        corruption: What is done to the sources before they are shown.
        severity: How much of it.
    """

    name: str
    corruption: str | None = None
    severity: str | None = None


class SubjectSet(Declared):
    """Say which subjects are tested.

    Args:
        cohort: Another cohort, all of which counts; by default the test subjects of the training's.
        where: Values that columns of the cases must have, for example ``{dataset: A}``.
        tasks: What is asked here; by default what is asked everywhere.
    """

    cohort: Cohort | None = None
    where: dict[str, str] = {}
    tasks: list[Task] | None = None

    @field_validator("tasks", mode="before")
    @classmethod
    def _named(cls, tasks: Any) -> Any:
        return _tasks(tasks)


class Method(Declared):
    """Say one row, or column, of methods.

    Args:
        name: What the table calls it.
        recipe: Name of a recipe that comes with anysyn, or a YAML file beside the table; None where there is none.
        simple: A baseline that is not trained, by its label: ``source copied``, ``intensity regression``.
        answers: Which of the answers of a measurement counts; by task, where they differ.
        each: Whether there is a model for each dataset, or for each task; one for all by default.
        overrides: Of the recipe, each ``path.to.key=value``; by size, where they differ. A ``*`` stands for any key;
            ``{dataset}``, ``{sources}``, ``{target}`` and ``{modalities}`` for what a model is for.
    """

    name: str
    recipe: str | None = None
    simple: str | None = None
    answers: str | dict[str, str] = "model"
    each: Literal["dataset", "task"] | None = None
    overrides: list[str] | dict[str, list[str]] = []

    def answer(self, task: str) -> str:
        """Return the answer that counts for a task."""
        if self.simple is not None:
            return self.simple
        return self.answers if isinstance(self.answers, str) else self.answers.get(task, "model")


class Published(Declared):
    """Hold the values of the paper.

    Args:
        lines: The keys of ``values``, from the outermost.
        columns: What the numbers of a line are of: parallel lists, by dimension.
        values: Nested mappings that end with lists: numbers, ``"27.17 ± 2.03"``, or null.
        parameters: By method, as printed.
    """

    lines: list[Dimension]
    columns: dict[Dimension, list[str]]
    values: dict[str, Any]
    parameters: dict[str, str] = {}


class Table(Declared):
    """Declare a comparison.

    Args:
        name: Of the file.
        folder: Of the file; recipes may lie beside it.
        title: Heading.
        about: What is compared.
        paper: Whose values stand beside ours.
        protocol: How images are compared.
        measure: What is measured: ``pairs``, ``embeddings``, ``alignment`` or ``segment``.
        metrics: In order.
        down: What the rows are, from the outermost.
        across: What the columns are, from the outermost.
        mean: Dimensions over which a mean is shown, too.
        parameters: Whether the number of parameters is shown.
        retrain: With ``segment``: also a segmenter without each of the modalities.
        modalities: Of every recipe; its own by default.
        cohort: What is simulated for the training.
        sets: By name; one without a name, the test subjects, by default.
        tasks: What is asked in every set that does not say it itself.
        pairs: Which pairs a task that is a corruption is measured on.
        methods: In order.
        published: The values of the paper.
        sizes: By size, what this table has otherwise than ``sizes.yaml``.
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
    modalities: list[str] | None = None
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
        """Return what is asked in a set."""
        own = self.sets[name].tasks
        return self.tasks if own is None else own

    def pairs_of(self, task: Task) -> list[str]:
        """Return the pairs that a task is measured on."""
        return self.pairs if self.pairs else [task.name]

    def shown(self, dimension: Dimension) -> bool:
        """Tell whether a dimension has a place in the layout."""
        return dimension in (*self.down, *self.across)

    def places(self) -> Iterator[Place]:
        """List the cells, a mean included."""
        for name in self.sets:
            tasks = [task.name for task in self.tasks_of(name)] + ([MEAN] if "task" in self.mean else [])
            for task in tasks:
                for metric in self.metrics:
                    for method in self.methods:
                        yield name, task, metric, method.name


def _tasks(tasks: Any) -> Any:
    return [{"name": task} if isinstance(task, str) else task for task in tasks] if isinstance(tasks, list) else tasks
