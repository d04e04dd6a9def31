"""Scores: the headline, the verdict and the table of an evaluation, in words and numbers for the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from anysyn.evaluation.metrics.metrics import metric
from anysyn.evaluation.tables.cases_table import ALL_PAIRS, MODEL
from anysyn.evaluation.tables.format import arrow, heading, number
from anysyn.evaluation.tables.markdown_latex import ranks


@dataclass(frozen=True)
class Fact:
    """Hold a number of the headline.

    Args:
        value: The number.
        label: What it is.
        more: What else to know of it.
    """

    value: str
    label: str
    more: str


@dataclass(frozen=True)
class Cell:
    """Hold the mean and the standard deviation of a metric.

    Args:
        mean: As printed.
        sd: As printed; empty for a single case.
        best: Whether no method of the pair has a better mean.
    """

    mean: str
    sd: str
    best: bool


@dataclass(frozen=True)
class Block:
    """Hold the rows of one pair.

    Args:
        pair: Sources and target.
        rows: Method, number of cases and cells.
        last: Whether these are the means over all pairs.
    """

    pair: str
    rows: tuple[tuple[str, int, tuple[Cell, ...]], ...]
    last: bool


@dataclass(frozen=True)
class Table:
    """Hold metrics that are shown side by side.

    Args:
        headings: Of each metric, with the direction that is better.
        blocks: One for each pair.
    """

    headings: tuple[str, ...]
    blocks: tuple[Block, ...]


def tables(summary: pd.DataFrame, names: list[str]) -> list[Table]:
    """Arrange a summary in a table of the metrics that every pair has and, if need be, one of the others.

    The others are errors in the unit of a target, such as HU: beside all the rest they would be wide and mostly empty.

    Args:
        summary: As `anysyn.evaluation.tables.cases_table.summarise` returns it.
        names: Metrics.

    Example:
        >>> row = {"pair": "T1w:CT", "method": "model", "cases": 2, "psnr": 30.0, "psnr_sd": 1.0, "mae_hu": 9.0}
        >>> rows = [row | {"mae_hu_sd": 1.0}, {"pair": "T1w:T2w", "method": "model", "cases": 2, "psnr": 31.0}]
        >>> [(table.headings, len(table.blocks)) for table in tables(pd.DataFrame(rows), ["psnr", "mae_hu"])]
        [(('PSNR (dB) ↑',), 2), (('MAE (HU) ↓',), 1)]
    """
    pairs = {name: summary.loc[summary[name].notna(), "pair"].nunique() for name in names}
    some = [name for name in names if 0 < pairs[name] < summary["pair"].nunique()]
    every = [name for name in names if name not in some]
    parts = [(summary, every), (summary[summary[some].notna().any(axis=1)], some)]
    return [_table(part, of) for part, of in parts if of]


def _table(summary: pd.DataFrame, names: list[str]) -> Table:
    return Table(tuple(map(heading, names)), tuple(blocks(summary, names)))


def headline(summary: pd.DataFrame, margins: pd.DataFrame, names: list[str]) -> list[Fact]:
    """Return the model's mean over all pairs and its margin over each baseline.

    Args:
        summary: As `anysyn.evaluation.tables.cases_table.summarise` returns it.
        margins: As `anysyn.evaluation.tables.cases_table.margins` returns it.
        names: Metrics; the first is the main one.

    Example:
        >>> model = {"pair": "T1w:T2w", "method": "model", "cases": 3, "psnr": 30.0, "ssim": 0.9}
        >>> margin = {"pair": "T1w:T2w", "baseline": "source copied", "cases": 3, "psnr": 5.0, "ssim": 0.2}
        >>> facts = headline(pd.DataFrame([model]), pd.DataFrame([margin]), ["psnr", "ssim"])
        >>> [(fact.value, fact.label) for fact in facts]
        [('30.00 dB', 'PSNR of the model'), ('+5.00 dB', 'over source copied')]
    """
    main, others = names[0], names[1:2]
    facts = []
    for row in _overall(summary[summary["method"] == MODEL]).to_dict("records"):
        more = [f"{_label(name)} {number(row[name], metric(name).digits)}" for name in others]
        cases = f"mean of {_count(row['cases'], 'case')}"
        facts.append(Fact(_measured(row[main], main), f"{_label(main)} of the model", "; ".join([*more, cases])))
    for row in _overall(margins).to_dict("records"):
        more = [f"{_label(name)} {_gain(row[name], name)}" for name in others]
        beside = _pairs(margins)[_pairs(margins)["baseline"] == row["baseline"]]
        won = f"better on {int((beside[main] > 0).sum())} of {_count(len(beside), 'pair')}"
        facts.append(Fact(_measured(row[main], main, gain=True), f"over {row['baseline']}", "; ".join([*more, won])))
    return facts


def verdict(margins: pd.DataFrame, main: str) -> str:
    """Say on how many pairs the model is better than every baseline, and name the others.

    Args:
        margins: As `anysyn.evaluation.tables.cases_table.margins` returns it.
        main: The metric that decides.

    Example:
        >>> margin = {"pair": "T1w:T2w", "baseline": "source", "psnr": -0.5}
        >>> verdict(pd.DataFrame([margin]), "psnr").split(". ")
        ['By PSNR, the model is better than every baseline on 0 of 1 pair', 'It is not on T1w → T2w (source -0.50).']
    """
    pairs = _pairs(margins)
    if pairs.empty:
        return "No baseline stands beside the model."
    lost = pairs[~(pairs[main] > 0)]
    count, total = pairs["pair"].nunique() - lost["pair"].nunique(), pairs["pair"].nunique()
    text = f"By {_label(main)}, the model is better than every baseline on {count} of {_count(total, 'pair')}."
    if lost.empty:
        return text
    held = [f"{arrow(str(pair))} ({_gains(rows, main)})" for pair, rows in lost.groupby("pair", sort=False)]
    return f"{text} It is not on {', '.join(held)}."


def _gains(rows: pd.DataFrame, name: str) -> str:
    return ", ".join(f"{row['baseline']} {_gain(row[name], name)}" for row in rows.to_dict("records"))


def blocks(summary: pd.DataFrame, names: list[str]) -> list[Block]:
    """Arrange a summary by pairs.

    Args:
        summary: As `anysyn.evaluation.tables.cases_table.summarise` returns it.
        names: Metrics.

    Example:
        >>> row = {"pair": "T1w:T2w", "method": "model", "cases": 2, "psnr": 30.0, "psnr_sd": 1.0}
        >>> blocks(pd.DataFrame([row]), ["psnr"])[0].rows[0][2]
        (Cell(mean='30.00', sd='1.00', best=True),)
    """
    return [_block(str(pair), rows, names) for pair, rows in summary.groupby("pair", sort=False)]


def _block(pair: str, rows: pd.DataFrame, names: list[str]) -> Block:
    places = {name: ranks(rows, name) for name in names}
    lines = [
        (str(row["method"]), int(row["cases"]), tuple(_cell(row, name, places[name][i] == 1) for name in names))
        for i, row in enumerate(rows.to_dict("records"))
    ]
    return Block(arrow(pair), tuple(lines), pair == ALL_PAIRS)


def _cell(row: Mapping[Any, Any], name: str, best: bool) -> Cell:
    digits, sd = metric(name).digits, row[f"{name}_sd"]
    return Cell(number(row[name], digits), "" if math.isnan(sd) else number(sd, digits), best)


def _overall(table: pd.DataFrame) -> pd.DataFrame:
    # A single pair is its own mean, and has no row for all of them.
    means = table[table["pair"] == ALL_PAIRS]
    return table if means.empty else means


def _pairs(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["pair"] != ALL_PAIRS]


def _label(name: str) -> str:
    return metric(name).label.partition(" (")[0]


def _measured(value: float, name: str, *, gain: bool = False) -> str:
    unit = metric(name).label.partition(" (")[2].rstrip(")")
    return f"{_gain(value, name) if gain else number(value, metric(name).digits)} {unit}".strip()


def _gain(value: float, name: str) -> str:
    return ("+" if value > 0 else "") + number(value, metric(name).digits)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
