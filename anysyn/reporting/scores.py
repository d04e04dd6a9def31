"""Scores: the headline, the verdict and the table of an evaluation, in words and numbers for the page.

Summaries and margins are those of `anysyn.evaluation.tables.cases_table`; which metrics have a column is in
`anysyn.evaluation.metrics.columns`, and a metric is a class in `anysyn.evaluation.metrics.metrics`.
"""

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
from anysyn.text.counts import counted


@dataclass(frozen=True)
class Fact:
    """A number of the headline, what it is, and what else to know of it."""

    value: str
    label: str
    more: str


@dataclass(frozen=True)
class Cell:
    """Mean and standard deviation of a metric as printed, and whether no method of the pair has a better mean."""

    mean: str
    sd: str
    best: bool


@dataclass(frozen=True)
class Block:
    """The rows of one pair: method, number of cases and cells; the last block has the means over all pairs."""

    pair: str
    rows: tuple[tuple[str, int, tuple[Cell, ...]], ...]
    last: bool


@dataclass(frozen=True)
class Table:
    """Metrics that are shown side by side: their headings, and a block for each pair."""

    headings: tuple[str, ...]
    blocks: tuple[Block, ...]


def tables(summary: pd.DataFrame, names: list[str]) -> list[Table]:
    """Arrange a summary in a table of the metrics that every pair has and, if need be, one of the others.

    The others are errors in the unit of a target, such as HU: beside all the rest they would be wide and mostly empty.

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
    return [Table(tuple(map(heading, of)), tuple(blocks(part, of))) for part, of in parts if of]


def headline(summary: pd.DataFrame, margins: pd.DataFrame, names: list[str]) -> list[Fact]:
    """Return the model's mean over all pairs and its margin over each baseline; the first metric is the main one.

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
        more = [f"{label(name)} {number(row[name], metric(name).digits)}" for name in others]
        cases = f"mean of {counted(row['cases'], 'case')}"
        facts.append(Fact(with_unit(row[main], main), f"{label(main)} of the model", "; ".join([*more, cases])))
    for row in _overall(margins).to_dict("records"):
        more = [f"{label(name)} {_gain(row[name], name)}" for name in others]
        beside = _pairs(margins)[_pairs(margins)["baseline"] == row["baseline"]]
        won = f"better on {int((beside[main] > 0).sum())} of {counted(len(beside), 'pair')}"
        facts.append(Fact(with_unit(row[main], main, gain=True), f"over {row['baseline']}", "; ".join([*more, won])))
    return facts


def verdict(margins: pd.DataFrame, main: str) -> str:
    """Say on how many pairs the model is better than every baseline by the main metric, and name the others.

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
    text = f"By {label(main)}, the model is better than every baseline on {count} of {counted(total, 'pair')}."
    if lost.empty:
        return text
    losses = [f"{arrow(str(pair))} ({_gains(rows, main)})" for pair, rows in lost.groupby("pair", sort=False)]
    return f"{text} It is not on {', '.join(losses)}."


def _gains(rows: pd.DataFrame, name: str) -> str:
    return ", ".join(f"{row['baseline']} {_gain(row[name], name)}" for row in rows.to_dict("records"))


def blocks(summary: pd.DataFrame, names: list[str]) -> list[Block]:
    """Arrange metrics of a summary by pairs.

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


def label(name: str) -> str:
    """Return the label of a metric without its unit."""
    return metric(name).label.partition(" (")[0]


def with_unit(value: float, name: str, *, gain: bool = False) -> str:
    """Return a value of a metric, or a gain with its sign, with the unit."""
    unit = metric(name).label.partition(" (")[2].rstrip(")")
    return f"{_gain(value, name) if gain else number(value, metric(name).digits)} {unit}".strip()


def _gain(value: float, name: str) -> str:
    return ("+" if value > 0 else "") + number(value, metric(name).digits)
