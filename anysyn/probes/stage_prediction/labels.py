"""What is predicted of a subject: the columns of a table, or the class of its lesion's volume."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from anysyn.data.records import Failure, Subject
from anysyn.evaluation.errors import EvaluationError
from anysyn.files.arrays import read_table
from anysyn.registry import suggest

WHO = ("subject", "person", "participant_id")  # the column that says whose row it is, the first that is there
UNKNOWN = ("", "n/a")
VOLUME = "lesion volume"
FEWEST = 2  # people of a label: one to learn from, one to be asked about
Labels = dict[str, dict[str, str]]  # by column, then by subject


def read_labels(path: Path, columns: Sequence[str], subjects: Sequence[Subject], failures: list[Failure]) -> Labels:
    """Read the labels of subjects from a CSV or TSV table with a row for each subject or person.

    Args:
        path: The table; its column ``subject``, ``person`` or ``participant_id`` says whose row it is.
        columns: Columns to read; all others by default.
        subjects: Whose labels are looked for.
        failures: A subject without a row is appended to it.

    Returns:
        By column and key of the subject; a cell that is empty or ``n/a`` is unknown.

    Raises:
        EvaluationError: If the table cannot be read, says nobody, names somebody twice, or lacks a column.
    """
    try:
        table = read_table(path, sep="\t" if path.suffix == ".tsv" else ",", dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise EvaluationError(f"--labels {path}: cannot be read: {error}; check the path") from error
    who = next((name for name in WHO if name in table), None)
    if who is None:
        raise EvaluationError(f"--labels {path}: has no column {', '.join(WHO[:-1])} or {WHO[-1]}")
    names = [_plain(cell) for cell in table[who]]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise EvaluationError(f"--labels {path}: names {twice[0]} in {names.count(twice[0])} rows; leave one of them")
    known = [str(name) for name in table.columns if name not in WHO]
    for name in columns:
        if name not in known:
            raise EvaluationError(f"--labels {path}: has no column {name!r}; {suggest(name, known)}")
    rows = dict(zip(names, table.to_dict("records"), strict=True))
    found = {one.key: row for one in subjects if (row := rows.get(_plain(one.key)) or rows.get(_plain(one.person)))}
    failures += [Failure(one.key, path, "has no row in the labels") for one in subjects if one.key not in found]
    return {
        column: {key: str(row[column]).strip() for key, row in found.items() if str(row[column]).strip() not in UNKNOWN}
        for column in columns or known
    }


def _plain(name: str) -> str:
    return name.strip().removeprefix("sub-")


def volume_classes(volumes: Mapping[str, float]) -> dict[str, str]:
    """Return the class of each lesion's volume: none, or below or above the median of all lesions.

    Args:
        volumes: In millilitres, by subject.

    Example:
        >>> volume_classes({"a": 0.0, "b": 3.0, "c": 9.0, "d": 5.0})
        {'a': 'none', 'b': 'small', 'c': 'large', 'd': 'large'}
    """
    lesions = [volume for volume in volumes.values() if volume > 0]
    middle = float(np.median(lesions)) if lesions else 0.0
    return {key: "none" if volume == 0 else "small" if volume < middle else "large" for key, volume in volumes.items()}


def usable(labels: Mapping[str, str], persons: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return the labels that enough people have, and those that too few have.

    Args:
        labels: By subject.
        persons: By subject.

    Example:
        >>> usable({"a": "T1", "b": "T1", "c": "T4"}, {"a": "1", "b": "2", "c": "3"})
        ({'a': 'T1', 'b': 'T1'}, ['T4'])
    """
    people: dict[str, set[str]] = {}
    for key, label in labels.items():
        people.setdefault(label, set()).add(persons[key])
    rare = sorted(label for label, who in people.items() if len(who) < FEWEST)
    return {key: label for key, label in labels.items() if label not in rare}, rare
