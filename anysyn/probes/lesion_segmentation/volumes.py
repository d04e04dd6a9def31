"""Volumes of what was outlined: do they agree with the truth, over all subjects and in groups of them? (TUMSyn)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from anysyn.data.records import Failure
from anysyn.evaluation.tables.agreement import icc, pearson
from anysyn.evaluation.tables.format import number
from anysyn.probes.section import Grid

KEYS = ("task", "region", "missing", "method", "sources")
VOLUMES: dict[str, type] = dict.fromkeys(KEYS, str) | {"cases": int}
VOLUMES |= dict.fromkeys(("truth_ml", "found_ml", "pearson", "pearson_low", "pearson_high"), float)
VOLUMES |= dict.fromkeys(("icc", "icc_low", "icc_high"), float)
GROUPS: dict[str, type] = {"column": str, "group": str, **dict.fromkeys(KEYS, str), "cases": int}
GROUPS |= dict.fromkeys(("truth_ml", "found_ml", "dice"), float)
FEW = 6  # numbers in a column that are groups of their own; more are split at their median
CAPTION = "Volumes outlined and true: mean in ml, Pearson's r and ICC(A,1) with 95 % intervals"


def volume_agreement(rows: pd.DataFrame) -> pd.DataFrame:
    """Compare the outlined and the true volumes of each region, missing modality and method.

    Args:
        rows: The table ``cases``.

    Returns:
        Columns `VOLUMES`; empty regions are volumes of 0 and count.

    Example:
        >>> row = dict.fromkeys(KEYS, "a")
        >>> table = volume_agreement(pd.DataFrame([row | {"truth_ml": n, "found_ml": n + 1.0} for n in range(4)]))
        >>> table[["cases", "truth_ml", "found_ml", "pearson"]].values.tolist()
        [[4.0, 1.5, 2.5, 1.0]]
    """
    made = []
    for key, part in rows.groupby(list(KEYS), sort=False):
        r, rho = (rule(part["truth_ml"], part["found_ml"]) for rule in (pearson, icc))
        row = dict(zip(KEYS, key, strict=True)) | {"cases": len(part)}
        row |= {name: float(part[name].mean()) for name in ("truth_ml", "found_ml")}
        row |= {"pearson": r.value, "pearson_low": r.interval.low, "pearson_high": r.interval.high}
        made.append(row | {"icc": rho.value, "icc_low": rho.interval.low, "icc_high": rho.interval.high})
    return pd.DataFrame(made, columns=list(VOLUMES))


def by_group(rows: pd.DataFrame, groups: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """Average volumes and Dice in each group of subjects.

    Args:
        rows: The table ``cases``.
        groups: By column and subject, the group.

    Returns:
        Columns `GROUPS`; a subject without a group is in none.

    Example:
        >>> row = dict.fromkeys(KEYS, "a") | {"truth_ml": 2.0, "found_ml": 1.0, "dice": 0.5}
        >>> table = by_group(pd.DataFrame([row | {"subject": "1"}, row | {"subject": "2"}]), {"sex": {"1": "F"}})
        >>> table[["column", "group", "cases", "truth_ml"]].values.tolist()
        [['sex', 'F', 1, 2.0]]
    """
    made = []
    for column, of_subject in groups.items():
        grouped = rows.assign(group=rows["subject"].map(of_subject)).dropna(subset="group")
        for (group, *key), part in grouped.groupby(["group", *KEYS], sort=False):
            row = {"column": column, "group": group, **dict(zip(KEYS, key, strict=True)), "cases": len(part)}
            made.append(row | {name: float(part[name].mean()) for name in ("truth_ml", "found_ml", "dice")})
    return pd.DataFrame(made, columns=list(GROUPS))


def groups_of(
    columns: Sequence[str], people: Mapping[str, Mapping[str, str]], persons: Mapping[str, str], failed: list[Failure]
) -> dict[str, dict[str, str]]:
    """Divide subjects by columns of ``participants.tsv``; a column of many numbers is split at their median.

    Args:
        columns: Such as ``diagnosis``, ``sex``, ``age``.
        people: By person, the cells by column.
        persons: By subject, the person.
        failed: A column that is nowhere, or a subject that it says nothing about, is appended to it.

    Returns:
        By column and subject, the group.

    Example:
        >>> people = {f"p{n}": {"age": str(50 + n), "sex": "FM"[n % 2]} for n in range(8)}
        >>> groups = groups_of(["age", "sex"], people, {f"s{n}": f"p{n}" for n in range(8)}, [])
        >>> groups["age"]["s0"], groups["age"]["s7"], groups["sex"]["s1"]
        ('< 53.5', '>= 53.5', 'M')
    """
    groups = {}
    for column in columns:
        cells = {key: people.get(person, {}).get(column, "") for key, person in persons.items()}
        known = {key: cell for key, cell in cells.items() if cell not in ("", "n/a")}
        lacking = sorted(cells.keys() - known.keys())
        said = f"participants.tsv says no {column}, so it is in no group of it"
        failed += [Failure(key, None, said) for key in lacking]
        groups[column] = _split(known)
    return groups


def _split(cells: Mapping[str, str]) -> dict[str, str]:
    try:
        values = {key: float(cell) for key, cell in cells.items()}
    except ValueError:
        return dict(cells)
    if len(set(values.values())) <= FEW:
        return dict(cells)
    middle = float(np.median(list(values.values())))
    return {key: f"{'<' if value < middle else '>='} {middle:g}" for key, value in values.items()}


def volume_grid(table: pd.DataFrame) -> Grid:
    """Write the agreement of the volumes for a reader.

    Args:
        table: As `volume_agreement` returns it.
    """
    cells = [
        [
            *(str(row[name]) for name in ("region", "missing", "method", "sources", "cases")),
            *(number(row[name], 2) for name in ("truth_ml", "found_ml")),
            *(_with_interval(row, name) for name in ("pearson", "icc")),
        ]
        for row in table.to_dict("records")
    ]
    headings = ("region", "missing", "method", "from", "cases", "true ml", "outlined ml", "Pearson", "ICC")
    return Grid(headings, cells, f"{CAPTION}.", words=4)


def _with_interval(row: Mapping[Any, Any], name: str) -> str:
    value, low, high = (number(row[f"{name}{end}"], 2) for end in ("", "_low", "_high"))
    return f"{value} ({low} to {high})"


def group_grid(table: pd.DataFrame) -> Grid:
    """Write the means of the groups for a reader.

    Args:
        table: As `by_group` returns it.
    """
    cells = [
        [
            *(str(row[name]) for name in ("column", "group", "region", "missing", "method", "sources", "cases")),
            *(number(row[name], 2) for name in ("truth_ml", "found_ml", "dice")),
        ]
        for row in table.to_dict("records")
    ]
    headings = ("column", "group", "region", "missing", "method", "from", "cases", "true ml", "outlined ml", "Dice")
    return Grid(headings, cells, "Mean volumes and Dice of the subjects of a group.", words=6)
