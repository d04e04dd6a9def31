"""The subjects of a table: the user's, or simulated ones."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from anysyn.data.records import Subject
from anysyn.data.subjects.find import find_subjects
from anysyn.errors import UserError
from anysyn.progress import Progress
from anysyn.registry import suggest
from anysyn.simulation import simulate
from anysyn.text.counts import counted
from paper_tables.sizes import Size
from paper_tables.store import Store, data_key, key_of, locked
from paper_tables.table import Cohort, SubjectSet, Table, Task

TRAINING = "training"


@dataclass(frozen=True)
class Subjects:
    """Subjects of a table.

    Args:
        root: Folder or CSV file.
        key: Hash of their files.
        simulated: Whether they are simulated.
        given: Whether the user gave them.
        names: Modality by a glob of file names, as the table says.
    """

    root: Path
    key: str
    simulated: bool
    given: bool = True
    names: Mapping[str, str] = field(default_factory=dict)

    def people(self) -> Sequence[Subject]:
        """Find them."""
        return find_subjects(self.root, names=self.names).subjects


@dataclass(frozen=True)
class Fold:
    """A fold of a cross-validation.

    Args:
        name: Its name.
        train: Keys of the training subjects.
        test: Keys of the test subjects.
    """

    name: str
    train: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def override(self) -> str:
        """Return the split as an override of a recipe."""
        return "data.split=" + json.dumps({"train": self.train, "validation": [], "test": self.test})


def slug(name: str) -> str:
    """Return the name of a set as it is typed on the command line.

    Example:
        >>> slug("External 1")
        'external-1'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def subjects_of(
    table: Table, size: Size, given: Mapping[str, Path], store: Store, progress: Progress, jobs: int = 1
) -> dict[str, Subjects]:
    """Find or simulate the subjects of a table.

    Args:
        table: The table.
        size: The size of simulated cohorts.
        given: The user's data by the `slug` of a set, or ``training``. The other sets are simulated only if the
            training is, too: a table does not mix real and simulated subjects.
        store: Folder of simulated cohorts.
        progress: Shows the progress.
        jobs: Number of processes that simulate.

    Returns:
        The subjects by the name of the set, and ``training``. A set without data is left out.

    Raises:
        UserError: If there is no set of a name, or a path is missing.
    """
    own = {slug(name): name for name, test in table.sets.items() if test.cohort is not None}
    unknown = given.keys() - own.keys() - {TRAINING}
    if unknown:
        raise UserError(f"--data {min(unknown)}=...: {table.name}: {suggest(min(unknown), [TRAINING, *own])}")
    missing = next((path for path in given.values() if not path.exists()), None)
    if missing is not None:
        raise UserError(f"--data {missing}: no such file or folder")
    reading = {"names": table.data.names}
    real = {
        own.get(name, TRAINING): Subjects(root, _key(root), simulated_before(root), **reading)
        for name, root in given.items()
    }
    if real:
        if TRAINING not in real:
            raise UserError("--data: give the training subjects, too: --data FOLDER")
        return real
    wanted = {TRAINING: size.cohort.of(table.cohort)}
    wanted |= {name: size.test.of(test.cohort) for name, test in table.sets.items() if test.cohort is not None}
    return {name: _simulated(cohort, store, progress, jobs) for name, cohort in wanted.items()}


def simulated_before(root: Path) -> bool:
    """Return whether the user's folder is a cohort of ``anysyn simulate``, by its description.

    Args:
        root: Folder or CSV file.
    """
    file = root / "dataset_description.json"
    try:
        described = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        return any(tool.get("Name") == "anysyn simulate" for tool in described.get("GeneratedBy", []))
    except (ValueError, AttributeError, TypeError):  # no BIDS description, so not simulated here
        return False


def _key(root: Path) -> str:
    if root.is_dir():
        return data_key(root)
    subjects = find_subjects(root).subjects
    files = sorted({file for subject in subjects for file in (*subject.images.values(), *subject.masks.values())})
    return key_of(data_key(root), *map(data_key, files))


def _simulated(cohort: Cohort, store: Store, progress: Progress, jobs: int) -> Subjects:
    key = key_of("cohort", cohort.model_dump())
    folder = store.cohort(key)
    with locked(folder.with_suffix(".lock")):
        if not folder.is_dir():
            simulate(
                folder,
                subjects=cohort.subjects or 1,
                centres=cohort.centres,
                spacing=cohort.spacing or 2.0,
                seed=cohort.seed,
                contrasts=cohort.contrasts,
                vary=cohort.vary,
                jobs=jobs,
                progress=progress,
            )
    return Subjects(folder, key, simulated=True, given=False)


def folds_of(table: Table, subjects: Subjects, wanted: str, *, complete: bool = False) -> list[Fold]:
    """Divide the persons who have the contrasts of a task into folds, each tested once.

    Args:
        table: The table, whose tasks decide who is included.
        subjects: The subjects.
        wanted: ``leave-one-out``, or the number of folds.
        complete: Whether to include only persons who have the contrasts of every task.

    Raises:
        UserError: If there are fewer than two persons, or the number is out of range.
    """
    needed = [_contrasts(table, task) for name in table.sets for task in table.tasks_of(name)]
    needed = [set().union(*needed)] if complete else needed
    able = [subject for subject in subjects.people() if any(contrasts <= set(subject.images) for contrasts in needed)]
    persons = list(dict.fromkeys(subject.person or subject.key for subject in able))
    if len(persons) < 2:
        able_ones = counted(len(persons), "subject has", "subjects have")
        raise UserError(f"--folds: {subjects.root}: {able_ones} the contrasts of {table.name}, not two")
    if wanted != "leave-one-out" and not (wanted.isdecimal() and 2 <= int(wanted) <= len(persons)):
        raise UserError(f"--folds {wanted}: write leave-one-out, or a number from 2 to {len(persons)}")
    count = len(persons) if wanted == "leave-one-out" else int(wanted)
    return [_fold(f"{i + 1} of {count}", able, persons[i::count]) for i in range(count)]


def _fold(name: str, able: Sequence[Subject], tested: Sequence[str]) -> Fold:
    test = tuple(subject.key for subject in able if (subject.person or subject.key) in tested)
    return Fold(name, tuple(subject.key for subject in able if subject.key not in test), test)


def renamed(table: Table, datasets: Mapping[str, str]) -> Table:
    """Return a table with the user's names of datasets.

    Args:
        table: The table.
        datasets: The user's names, by the name of a set or of a dataset of the table.

    Raises:
        UserError: If the table has neither a set nor a dataset of a name.
    """
    known = {word for name, test in table.sets.items() for word in (name, test.where.get("dataset")) if word}
    unknown = datasets.keys() - known
    if unknown:
        raise UserError(f"--dataset {min(unknown)}=...: {table.name}: {suggest(min(unknown), known)}")
    sets = {}
    for name, test in table.sets.items():
        own = datasets.get(name) or datasets.get(test.where.get("dataset", ""))
        sets[name] = test if own is None else test.model_copy(update={"where": {**test.where, "dataset": own}})
    return table.model_copy(update={"sets": sets})


def by_dataset(table: Table, subjects: Subjects) -> Table:
    """Return a table whose sets are the datasets of the user's data, if none of the table's own datasets is among them.

    A set gets all tasks of the table whose contrasts a subject of the set has.

    Args:
        table: The table.
        subjects: The user's subjects.
    """
    wanted = {test.where["dataset"] for test in table.sets.values() if "dataset" in test.where}
    if subjects.simulated or not wanted:
        return table
    contrasts_of = defaultdict[str, list[set[str]]](list)
    for subject in subjects.people():
        contrasts_of[subject.dataset].append(set(subject.images))
    if wanted & contrasts_of.keys():
        return table
    tasks = list({task.name: task for name in table.sets for task in table.tasks_of(name)}.values())
    where = {key: value for key, value in next(iter(table.sets.values())).where.items() if key != "dataset"}
    sets = {}
    for name, contrasts in sorted(contrasts_of.items()):
        able = [task for task in tasks if any(_contrasts(table, task) <= own for own in contrasts)]
        if able:
            sets[name] = SubjectSet(where={**where, "dataset": name}, tasks=able)
    if not sets:
        raise UserError(f"{subjects.root}: no subject has the contrasts of a task of {table.name}")
    return table.model_copy(update={"sets": sets, "published": None})


def _contrasts(table: Table, task: Task) -> set[str]:
    return {word for pair in table.pairs_of(task) for word in re.split(r"[+:]", pair)}
