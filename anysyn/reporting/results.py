"""The results of an evaluation, as the page shows them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.evaluation.examples import read_example
from anysyn.evaluation.metrics import Metric, metric
from anysyn.reporting.figures import as_data, distribution_figure, example_figure

SHOWN = ("psnr", "ssim")  # metrics whose distributions are drawn


def results_section(folder: Path) -> dict[str, Any]:
    """Gather tables, figures and notes of a folder of results.

    Args:
        folder: What `anysyn.evaluate` wrote.
    """
    cases, table = pd.read_csv(folder / "cases.csv"), pd.read_csv(folder / "table.csv")
    record = json.loads((folder / "protocol.json").read_text())
    metrics = [metric(name) for name in record["protocol"]["metrics"]]
    return {
        "computed_on": _computed_on(cases, record),
        "facts": list(_facts(pd.read_csv(folder / "margins.csv"), table)),
        "columns": [f"{m.label} {'↑' if m.higher_is_better else '↓'}" for m in metrics],
        "rows": list(_rows(table, metrics)),
        "protocol": record["notes"][0] if record["notes"] else "",
        "distributions": [_distribution(cases, m) for m in metrics if m.name in SHOWN],
        "examples": [_example(path) for path in sorted((folder / "examples").glob("*.npz"))],
        "failures": record["failures"],
    }


def _computed_on(cases: pd.DataFrame, record: dict[str, Any]) -> str:
    datasets = ", ".join(map(str, sorted(cases["dataset"].unique())))
    subjects = cases["subject"].nunique()
    where = record["data"] or "the data of the training"
    return f"Computed on {subjects} subjects of the split {record['split']!r} of {where} (datasets: {datasets})."


def _facts(margins: pd.DataFrame, table: pd.DataFrame) -> Iterator[dict[str, str]]:
    pairs = margins[margins["pair"] != "all pairs"]
    mean = table[(table["pair"] == "all pairs") & (table["method"] == "model")]
    if len(mean):
        yield {"value": f"{mean['psnr'].iloc[0]:.2f} dB", "label": "mean PSNR of the model"}
    for baseline, rows in margins[margins["pair"] == "all pairs"].groupby("baseline", sort=False):
        won = pairs[pairs["baseline"] == baseline]
        beaten = f"better on {int((won['psnr'] > 0).sum())} of {len(won)} pairs"
        yield {"value": f"{rows['psnr'].iloc[0]:+.2f} dB", "label": f"over {baseline}; {beaten}"}


def _rows(table: pd.DataFrame, metrics: Sequence[Metric]) -> Iterator[dict[str, Any]]:
    for pair, rows in table.groupby("pair", sort=False):
        for number, (_, row) in enumerate(rows.iterrows()):
            cells = [
                {
                    "text": f"{row[m.name]:.{m.digits}f} ± {row[m.name + '_sd']:.{m.digits}f}",
                    "best": row[m.name] == (rows[m.name].max() if m.higher_is_better else rows[m.name].min()),
                }
                for m in metrics
            ]
            shown = str(pair).replace(":", " → ")
            yield {"pair": shown, "method": row["method"], "cases": row["cases"], "cells": cells, "first": number == 0}


def _distribution(cases: pd.DataFrame, shown: Metric) -> dict[str, str]:
    figure = distribution_figure(cases, shown.name, shown.label)
    caption = f"{shown.label} of every case; a dot is a subject."
    return {
        "data": as_data(figure),
        "alt": f"Distribution of {shown.label} for each pair and method",
        "caption": caption,
    }


def _example(path: Path) -> dict[str, str]:
    example = read_example(path)
    pair = f"{'+'.join(example.sources)} → {example.target}"
    scores = "; ".join(f"{method}: PSNR {values['psnr']:.2f} dB" for method, values in example.values.items())
    return {
        "title": f"{pair}, {example.subject}",
        "data": as_data(example_figure(example), dpi=75),
        "alt": f"{pair} of {example.subject}: source, truth, synthesis and error in three planes",
        "caption": f"{scores}. Truth and synthesis share one grey scale.",
    }
