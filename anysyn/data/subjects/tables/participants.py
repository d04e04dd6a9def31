"""People: a dataset's participants.tsv, and the age and sex in the columns of any table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from anysyn.data.records import Failure
from anysyn.data.subjects.collector import failure
from anysyn.data.subjects.tables.tsv import read_table
from anysyn.errors import UserError

_YEARS = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25}  # DICOM writes 067Y, 006M
_SEXES = {"f": "F", "female": "F", "w": "F", "woman": "F", "m": "M", "male": "M", "man": "M", "o": "O", "other": "O"}
_MOST_NAMED = 3


def read_people(root: Path, failures: list[Failure]) -> tuple[dict[str, Mapping[str, str]], tuple[str, ...]]:
    """Read the rows of ``participants.tsv`` by person, ``sub-01``, whether or not the table writes ``sub-``.

    Args:
        root: The dataset; without the table, nobody is known.
        failures: A table or a row that cannot be used is appended to it.

    Returns:
        The cells by column and person, and what was understood though it was not written as expected.
    """
    path = root / "participants.tsv"
    if not path.is_file():
        return {}, ()
    try:
        table = read_table(path)
    except UserError as error:
        failures.append(failure(path.name, path, str(error)))
        return {}, ()
    if "participant_id" not in table.columns:
        failures.append(failure(path.name, path, "has no column participant_id, so age, sex and site are unknown"))
        return {}, ()
    failures += [failure(path.name, path, f"line {line} {wrong}") for line, wrong in table.broken.items()]
    people: dict[str, Mapping[str, str]] = {}
    twice = set()
    for line, row in table.rows.items():
        person = "sub-" + row["participant_id"].removeprefix("sub-")
        if people.setdefault(person, row) != row:
            failures.append(failure(path.name, path, f"line {line} names {person} again, so none of the rows is used"))
            twice.add(person)
        failures += [failure(path.name, path, f"line {line}: {doubt}") for doubt in doubts(row)]
    return {person: row for person, row in people.items() if person not in twice}, (*table.notes, *_commas(people))


def _commas(people: Mapping[str, Mapping[str, str]]) -> list[str]:
    ages = [row["age"] for row in people.values() if re.fullmatch(r"\d+,\d+", row.get("age", ""))]
    return [f"participants.tsv: ages with a decimal comma are read as such: {some(ages)}"] if ages else []


def age_and_sex(row: Mapping[str, str]) -> dict[str, Any]:
    """Return the age and sex in the columns of those names, as far as they are known.

    Example:
        >>> age_and_sex({"age": "89+", "sex": "female"}), age_and_sex({"age": "67,5", "sex": ""})
        ({'age_years': 89.0, 'sex': 'F'}, {'age_years': 67.5})
        >>> age_and_sex({"age": "006M"}), age_and_sex({"age": "old", "sex": "1"})
        ({'age_years': 0.5}, {})
    """
    known = {"age_years": _age(row.get("age", "")), "sex": _SEXES.get(row.get("sex", "").lower())}
    return {name: value for name, value in known.items() if value is not None}


def doubts(row: Mapping[str, str]) -> list[str]:
    """Return what is wrong with the age and the sex of a row, which are then unknown.

    Example:
        >>> doubts({"age": "old", "sex": "F"})
        ["age 'old' is no number of years, so it is unknown; write 67.5 or n/a"]
    """
    age, sex = row.get("age", ""), row.get("sex", "")
    wrong = [f"age {age!r} is no number of years, so it is unknown; write 67.5 or n/a"] * bool(
        age and _age(age) is None
    )
    return wrong + [f"sex {sex!r} is unknown; write F, M, O or n/a"] * bool(sex and sex.lower() not in _SEXES)


def some(words: Iterable[str]) -> str:
    """Name the first of several.

    Example:
        >>> some(["a", "b"]), some("abcde")
        ('a, b', 'a, b, c and 2 more')
    """
    several = list(dict.fromkeys(words))
    more = f" and {len(several) - _MOST_NAMED} more" if len(several) > _MOST_NAMED else ""
    return ", ".join(several[:_MOST_NAMED]) + more


def _age(text: str) -> float | None:
    match = re.fullmatch(r"(?P<number>\d+([.,]\d+)?)\+?(?P<unit>[ymwd]?)", text.strip().lower())
    if match is None:
        return None
    age = float(match["number"].replace(",", ".")) * _YEARS[match["unit"] or "y"]
    return round(age, 4) if math.isfinite(age) and age < 130 else None
