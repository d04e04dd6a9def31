"""A reading study: its file, and its tables of similar findings and of diagnoses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import pandas as pd

from anysyn.data.subjects.tables.tsv import read_table
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.reading_study.clauses import Likeness, similarity, word_overlap
from anysyn.evaluation.tables.labels import label_scores
from anysyn.evaluation.tables.statistics import summary
from anysyn.registry import suggest

COLUMNS = ("case", "reader", "setting", "findings", "impression")
REAL = "real"  # the setting that the others are compared with
BETWEEN = ";"  # between the diagnoses of an impression


@dataclass(frozen=True)
class Report:
    """What a reader wrote of one set of images of a case.

    Args:
        case: The case.
        reader: The reader.
        setting: Which images were real: ``real`` if all were, otherwise any word such as ``3-to-3``.
        findings: The description.
        impression: The diagnoses, each a label.
    """

    case: str
    reader: str
    setting: str
    findings: str
    impression: frozenset[str]


def read_study(path: Path) -> list[Report]:
    """Read a CSV or TSV with the columns `COLUMNS`, the diagnoses of an impression separated by semicolons.

    Args:
        path: The file.

    Raises:
        UserError: If it cannot be read, lacks a column, or has two reports of one reader, case and setting.

    Example:
        >>> read_study(Path("nowhere.csv"))
        Traceback (most recent call last):
        anysyn.evaluation.errors.EvaluationError: nowhere.csv: no such file; check the path
    """
    if not path.is_file():
        raise EvaluationError(f"{path}: no such file; check the path")
    table = read_table(path)
    lacking = [name for name in COLUMNS if name not in table.columns]
    if lacking:
        raise EvaluationError(f"{path}: lacks the column {lacking[0]!r}; {suggest(lacking[0], table.columns)}")
    reports = [_report(row) for row in table.rows.values()]
    keys = [(one.case, one.reader, one.setting) for one in reports]
    twice = next((key for n, key in enumerate(keys) if key in keys[:n]), None)
    if twice is not None:
        raise EvaluationError(f"{path}: two reports of {', '.join(twice)}; keep one of them")
    return reports


def _report(row: Mapping[str, str]) -> Report:
    labels = frozenset(word.strip() for word in row["impression"].split(BETWEEN) if word.strip())
    return Report(row["case"], row["reader"], row["setting"], row["findings"], labels)


def findings_table(reports: Sequence[Report], likeness: Likeness = word_overlap) -> pd.DataFrame:
    """Return how similar the findings of each reader and setting are to the same reader's on real images.

    Args:
        reports: As `read_study` returns them.
        likeness: How alike two clauses are.

    Returns:
        Columns reader, setting, cases, similarity and similarity_sd, over cases.

    Raises:
        EvaluationError: If no report can be compared with one of real images.

    Example:
        >>> real, other = (Report("1", "A", s, f, frozenset()) for s, f in (("real", "a, b"), ("1-to-5", "a, c")))
        >>> findings_table([real, other])["similarity"].tolist()
        [0.5]
    """
    rows = []
    for (reader, setting), pairs in _pairs(reports).items():
        values = [similarity(real.findings, other.findings, likeness) for real, other in pairs]
        spread = summary(values)
        rows.append((reader, setting, len(values), spread.mean, spread.sd))
    return pd.DataFrame(rows, columns=["reader", "setting", "cases", "similarity", "similarity_sd"])


def impression_table(reports: Sequence[Report]) -> pd.DataFrame:
    """Return precision, recall and F1 of the diagnoses; the truth is the same reader's on real images.

    Args:
        reports: As `read_study` returns them.

    Returns:
        Columns reader, setting, label, precision, recall and f1; a row for each label, then the two averages.

    Raises:
        EvaluationError: If no report can be compared with one of real images.

    Example:
        >>> real, other = (Report("1", "A", s, "", frozenset(["LGG"])) for s in ("real", "1-to-5"))
        >>> impression_table([real, other])["f1"].tolist()
        [1.0, 1.0, 1.0]
    """
    rows = []
    for (reader, setting), pairs in _pairs(reports).items():
        result = label_scores([real.impression for real, _ in pairs], [other.impression for _, other in pairs])
        rows += [(reader, setting, label, *score) for label, score in result.items()]
    return pd.DataFrame(rows, columns=["reader", "setting", "label", "precision", "recall", "f1"])


def unpaired(reports: Sequence[Report]) -> list[Report]:
    """Return the reports that have none of real images by the same reader beside them; they are in no table.

    Args:
        reports: As `read_study` returns them.
    """
    known = {(one.reader, one.case) for one in reports if one.setting == REAL}
    return [one for one in reports if (one.reader, one.case) not in known]


def _pairs(reports: Sequence[Report]) -> dict[tuple[str, str], list[tuple[Report, Report]]]:
    truth = {(one.reader, one.case): one for one in reports if one.setting == REAL}
    order = {key: n for n, key in enumerate(dict.fromkeys((one.reader, one.setting) for one in reports))}
    able = [one for one in reports if one.setting != REAL and (one.reader, one.case) in truth]
    if not able:
        raise EvaluationError(
            f"no report can be compared: the same reader has to have one of the same case with the setting {REAL!r}"
        )
    able.sort(key=lambda one: order[one.reader, one.setting])
    groups = groupby(able, key=lambda one: (one.reader, one.setting))
    return {key: [(truth[one.reader, one.case], one) for one in group] for key, group in groups}
