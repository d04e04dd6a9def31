"""The plan of a table: its models, their training data, and their measurements."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anysyn.errors import UserError
from anysyn.evaluation.metrics.protocol import protocol
from paper_tables.additions import additions
from paper_tables.cohorts import TRAINING, Fold, Subjects
from paper_tables.model_recipe import Purpose, Tree, checked, recipe_at
from paper_tables.sizes import Size, read_size, recipe_of, wanted
from paper_tables.store import Store, key_of
from paper_tables.table import Method, Table, Task

NOT_MEASURED = ("root", "cache", "jobs", "workers")  # keys of a recipe's data section without an effect on the result


@dataclass(frozen=True)
class Cell:
    """The measurement of a model on a set.

    Args:
        key: Hash of all that it depends on.
        run: Key of the model.
        method: Name of the method.
        set: Name of the set.
        purpose: Purpose of the model.
        question: What to measure, for the process that measures.
    """

    key: str
    run: str
    method: str
    set: str
    purpose: Purpose
    question: Mapping[str, Any]


@dataclass
class Plan:
    """Models and measurements of a table.

    Args:
        table: The table.
        size: Its size.
        protocol: Line that describes how images are compared; empty if none are.
        simulated: Whether the subjects are simulated.
        spacing: Voxel size in mm that the user's images are resampled to, if they are.
        recipes: The recipe of each model, by its key.
        cells: The measurements; methods may share one.
        absent: By method without a recipe, the name that it would have; empty if it is not supposed to have one.
        mistakes: By method, the mistakes of its recipe.
        without: Sets without data.
        additions: By what only some methods have beyond their papers, the names of those.
    """

    table: Table
    size: Size
    protocol: str
    simulated: bool
    spacing: float | None = None
    recipes: dict[str, Tree] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)
    mistakes: dict[str, str] = field(default_factory=dict)
    without: list[str] = field(default_factory=list)
    additions: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """The options of a plan.

    Args:
        size: Size of the table.
        subjects: Subjects by set, and ``training``.
        seeds: Seeds; each method gets a model for each.
        folds: Folds of a cross-validation; by default there is none.
        protocol: Protocol instead of the table's.
        levels: Levels of corruptions instead of the presets, by name and severity.
    """

    size: Size
    subjects: Mapping[str, Subjects]
    seeds: Sequence[int] = (0,)
    folds: Sequence[Fold] = ()
    protocol: str | None = None
    levels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def plan_of(table: Table, options: Options, store: Store) -> Plan:
    """Plan a table; a recipe that is missing or has mistakes affects its own row alone.

    Args:
        table: The table.
        options: Size, subjects, seeds, folds.
        store: The folder of results.

    Raises:
        UserError: If the protocol is unknown.
    """
    how = protocol(options.protocol or table.protocol) if table.measure == "pairs" else None
    training = options.subjects[TRAINING]
    spacing = options.size.spacing if training.given else None
    plan = Plan(table, options.size, how.describe() if how else "", training.simulated, spacing)
    for method in table.methods:
        path = recipe_of(method if method.simple is None else _first(table, options.size), table, options.size)
        if path is None:
            plan.absent[method.name] = wanted(method, options.size)
            continue
        try:
            _add(plan, method, path, options, store, how.digest if how else "")
        except (UserError, OSError) as error:
            plan.mistakes[method.name] = str(error)
    tested = {name for name in table.sets if _has_data(table, name, options)}
    plan.without = [name for name in table.sets if name not in tested]
    plan.additions = additions(*_trained(plan))
    return plan


def _trained(plan: Plan) -> tuple[dict[str, Tree], dict[str, Tree]]:
    """Return the recipe of each method that is trained, as planned and at its paper's size."""
    methods = {method.name: method for method in plan.table.methods if method.simple is None}
    planned = {cell.method: plan.recipes[cell.run] for cell in plan.cells if cell.method in methods}
    paper = read_size("paper")
    paths = {name: recipe_of(methods[name], plan.table, paper) for name in planned}
    return planned, {name: planned[name] if path is None else checked(path) for name, path in paths.items()}


def _first(table: Table, size: Size) -> Method:
    """Return the first method with a recipe, whose prepared images a simple baseline gets."""
    return next((method for method in table.methods if recipe_of(method, table, size)), table.methods[0])


def _has_data(table: Table, name: str, options: Options) -> bool:
    if table.sets[name].cohort is None:
        return True
    # A fold is tested on subjects of the training cohort, not on another cohort.
    return name in options.subjects and not options.folds


def _add(plan: Plan, method: Method, path: Path, options: Options, store: Store, digest: str) -> None:
    table, training = plan.table, options.subjects[TRAINING]
    models: dict[Purpose, str] = {}
    for name in table.sets:
        if not _has_data(table, name, options):
            continue
        for purpose, tasks in _purposes(table, name, method, options):
            if purpose not in models:
                tree = recipe_at(path, method, table, options.size, purpose, training)
                tree["data"]["cache"] = str(store.cache.resolve())
                models[purpose] = _run_key(tree, training)
                plan.recipes[models[purpose]] = tree
            run = models[purpose]
            question = _question(plan, name, tasks, method, options)
            subjects = options.subjects.get(name, training)
            key = key_of("cell", run, question, digest, subjects.key)
            question |= {"protocol": options.protocol or table.protocol}
            question |= {"data": None if table.sets[name].cohort is None else str(subjects.root.resolve())}
            plan.cells.append(Cell(key, run, method.name, name, purpose, question))


def _run_key(tree: Tree, training: Subjects) -> str:
    data = {key: value for key, value in tree["data"].items() if key not in NOT_MEASURED}
    rest = {key: value for key, value in tree.items() if key not in ("name", "paper")}
    return key_of("run", {**rest, "data": data}, training.key)


def _purposes(table: Table, name: str, method: Method, options: Options) -> Iterator[tuple[Purpose, list[Task]]]:
    dataset = table.sets[name].where.get("dataset") if method.each == "dataset" else None
    tasks = table.tasks_of(name)
    parts = [(task.name, [task]) for task in tasks] if method.each == "task" else [(None, tasks)]
    for seed in options.seeds:
        for fold in options.folds or [None]:
            for task, own in parts:
                yield Purpose(seed, dataset, task, fold), own


def _question(plan: Plan, name: str, tasks: Collection[Task], method: Method, options: Options) -> dict[str, Any]:
    table, size = plan.table, plan.size
    question: dict[str, Any] = {"measure": table.measure, "where": dict(table.sets[name].where)}
    if table.measure == "pairs":
        question["simple"] = method.simple is not None
        question["examples"] = size.examples
        question |= {"timed": True} if "seconds" in table.metrics else {}
        question |= {"dataset": method.dataset} if method.dataset else {}
        question["tasks"] = [
            {"name": task.name, "pairs": table.pairs_of(task), "corruption": _corruption(task, options)}
            for task in tasks
        ]
    if table.measure == "segment":
        question |= {"steps": size.segmenter, "retrain": table.retrain}
        further: dict[str, Any] = {"alone": table.alone, "region": list(table.regions)}
        question |= {name: value for name, value in further.items() if value}
    return question


def _corruption(task: Task, options: Options) -> str | None:
    if task.corruption is None:
        return None
    level = options.levels.get(task.corruption, {}).get(task.severity or "", task.severity)
    return f"{task.corruption}={level}"
