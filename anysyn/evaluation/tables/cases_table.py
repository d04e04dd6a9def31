"""The table of cases, and its summary: means of each method, and margins over the baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from anysyn.errors import UserError
from anysyn.evaluation.metrics.metrics import metric
from anysyn.evaluation.tables.statistics import summary
from anysyn.files.arrays import read_table
from anysyn.text.escaping import cell, word_of

MODEL = "model"
ALL_PAIRS = "all pairs"
ABOUT = ("subject", "dataset", "method", "sources", "target", "protocol", "digest")


def case_row(
    subject: str,
    dataset: str,
    method: str,
    sources: Iterable[str],
    target: str,
    protocol: tuple[str, str],
    values: Mapping[str, float],
) -> dict[str, Any]:
    """Return a case as a row: a subject, a method and a pair under one protocol.

    Args:
        subject: Its key.
        dataset: Of the subject.
        method: ``"model"`` or the label of a baseline.
        sources: Modality names.
        target: Modality name.
        protocol: Name and digest.
        values: By metric.

    Example:
        >>> case_row("sub-01", "site1", "model", ["T1w", "T2w"], "FLAIR", ("anysyn", "ab12"), {"psnr": 30.0})["sources"]
        'T1w+T2w'
    """
    about = (subject, dataset, method, "+".join(sources), target, *protocol)
    return {**dict(zip(ABOUT, about, strict=True)), **values}


def to_csv(table: pd.DataFrame) -> str:
    """Write a table as CSV in which no name is a formula.

    Example:
        >>> to_csv(pd.DataFrame({"subject": ["=cmd()"], "value": [-1.0]})).splitlines()
        ['subject,value', "'=cmd(),-1.0"]
    """
    words = {str(name): column.map(_cell) for name, column in table.items() if not is_numeric_dtype(column)}
    text: str = table.assign(**words).to_csv(index=False)
    return text


def _cell(value: Any) -> Any:
    return cell(value) if isinstance(value, str) else value


def check_cases(cases: pd.DataFrame) -> pd.DataFrame:
    """Return the cases if they can be in one table.

    Raises:
        UserError: If columns are missing, there is no case, or the cases were measured under different protocols.

    Example:
        >>> case = case_row("a", "x", "model", ["T1w"], "T2w", ("anysyn", "ab12"), {"psnr": 30.0})
        >>> check_cases(pd.DataFrame([case, case | {"protocol": "slices", "digest": "cd34"}]))
        Traceback (most recent call last):
        anysyn.errors.UserError: one table cannot mix protocols: anysyn (ab12), slices (cd34); use one for all
    """
    missing = [column for column in ABOUT if column not in cases]
    if missing:
        raise UserError(f"these are not cases: no column {', '.join(missing)}")
    if cases.empty:
        raise UserError("there is no case to make a table of")
    protocols = sorted(set(zip(cases["protocol"], cases["digest"], strict=True)))
    if len(protocols) > 1:
        words = ", ".join(f"{name} ({digest})" for name, digest in protocols)
        raise UserError(f"one table cannot mix protocols: {words}; use one for all")
    return cases


def read_cases(*paths: Path) -> pd.DataFrame:
    """Read the ``cases.csv`` of one or more results folders.

    Raises:
        UserError: If they were measured under different protocols.
    """
    words = dict.fromkeys(ABOUT, str)
    frames = [read_table(path, dtype=words, keep_default_na=False) for path in paths]
    cases = pd.concat(frames, ignore_index=True)
    for name in cases.columns.intersection(list(ABOUT)):
        cases[name] = cases[name].map(word_of)
    for name in cases.columns.difference(list(ABOUT)):
        cases[name] = pd.to_numeric(cases[name].replace("", float("nan")))  # an empty cell is no number, not a word
    return check_cases(cases)


def metrics_of(cases: pd.DataFrame) -> list[str]:
    """List the metric columns of cases, in order.

    Example:
        >>> metrics_of(pd.DataFrame(columns=[*ABOUT, "psnr", "ssim"]))
        ['psnr', 'ssim']
    """
    return [column for column in cases.columns if column not in ABOUT]


def summarise(cases: pd.DataFrame) -> pd.DataFrame:
    """Average the cases of each pair and method, and of each method over all pairs.

    A case whose prediction is identical to the truth has an infinite PSNR. It is left out of mean and sd, and counted
    in ``identical``; a mean is infinite only if every case is.

    Args:
        cases: Rows as `case_row` writes them.

    Returns:
        Columns pair, method, cases, identical, and for each metric its mean and its standard deviation
        ``<metric>_sd`` (N - 1; NaN for one case). Pairs and methods keep the order of the cases.

    Raises:
        UserError: If the cases mix protocols.

    Example:
        >>> row = case_row("a", "x", "model", ["T1w"], "T2w", ("anysyn", "ab12"), {"psnr": 30.0})
        >>> table = summarise(pd.DataFrame([row, row | {"subject": "b", "psnr": 32.0}]))
        >>> table[["pair", "method", "cases", "psnr"]].values.tolist()
        [['T1w:T2w', 'model', 2, 31.0]]
    """
    cases = check_cases(cases)
    return pd.DataFrame([_summary(pair, method, part) for pair, method, part in _blocks(cases)])


def _blocks(cases: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    pairs = cases["sources"] + ":" + cases["target"]
    names, methods = list(pairs.unique()), list(cases["method"].unique())
    parts = [
        (pair, method, cases[(pairs == pair) & (cases["method"] == method)]) for pair, method in product(names, methods)
    ]
    if len(names) > 1:
        parts += [(ALL_PAIRS, method, cases[cases["method"] == method]) for method in methods]
    return [part for part in parts if len(part[2])]


def _summary(pair: str, method: str, part: pd.DataFrame) -> dict[str, Any]:
    row: dict[str, Any] = {"pair": pair, "method": method, "cases": len(part)}
    row["identical"] = int(np.isinf(part[metrics_of(part)].to_numpy(dtype=float)).any(axis=1).sum())
    for name in metrics_of(part):
        row[name], row[f"{name}_sd"] = summary(part[name])
    return row


def margins(cases: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over cases of the difference between the model and each baseline on the same case.

    Args:
        cases: Rows as `case_row` writes them.

    Returns:
        Columns pair, baseline, cases, and each metric; a positive margin always means that the model is better. Cases
        in which model or baseline is identical to the truth are left out of the margin of PSNR.

    Raises:
        UserError: If the cases mix protocols.

    Example:
        >>> row = case_row("a", "x", "model", ["T1w"], "T2w", ("anysyn", "ab12"), {"psnr": 30.0, "mae": 0.5})
        >>> table = margins(pd.DataFrame([row, row | {"method": "source copied", "psnr": 25.0, "mae": 0.75}]))
        >>> table.values.tolist()
        [['T1w:T2w', 'source copied', 1, 5.0, 0.25]]
    """
    cases = check_cases(cases)
    blocks = {(pair, method): part for pair, method, part in _blocks(cases)}
    compared = [(pair, method) for pair, method in blocks if method != MODEL and (pair, MODEL) in blocks]
    rows = [_margin(pair, method, blocks[pair, MODEL], blocks[pair, method]) for pair, method in compared]
    return pd.DataFrame(rows, columns=["pair", "baseline", "cases", *metrics_of(cases)])


def _margin(pair: str, baseline: str, model: pd.DataFrame, other: pd.DataFrame) -> dict[str, Any]:
    same = ["dataset", "subject", "sources", "target"]
    both = model.merge(other, on=same, suffixes=("", "_other"))
    row: dict[str, Any] = {"pair": pair, "baseline": baseline, "cases": len(both)}
    for name in metrics_of(model):
        sign = 1.0 if metric(name).higher_is_better else -1.0
        pairs = both[[name, f"{name}_other"]].to_numpy(dtype=float)
        pairs = pairs[np.isfinite(pairs).all(axis=1)]  # (n, 2)
        row[name] = sign * (pairs[:, 0] - pairs[:, 1]).mean() if len(pairs) else float("nan")
    return row
