"""Swaps: a synthesis as of another dataset beside that as of the subject's own, in distances of intensities."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import pandas as pd

from anysyn.evaluation.tables.format import arrow, number
from anysyn.probes.dataset_swap.histograms import Histogram, wasserstein

SWAP = ("target", "dataset", "to")
ABOUT = ("subject", "sources", *SWAP, "method")
DISTANCES = ("own", "asked", "change", "floor")
SUMMARY = (*SWAP, "method", "comparisons", *DISTANCES, "share")
ALL = "all"  # the target of a row over all comparisons
HEADINGS = ("target", "from → to", "method", "comparisons", *DISTANCES[:2], "moved towards", *DISTANCES[2:])


def swaps(
    dataset: str, answers: Mapping[str, Histogram], references: Mapping[str, Histogram]
) -> Iterator[dict[str, Any]]:
    """Compare the syntheses of one target of one subject as of other datasets with that as of its own.

    Args:
        dataset: The subject's own.
        answers: By dataset, what is synthesized when it is asked for.
        references: By dataset, what its real images hold.

    Yields:
        For each other dataset ``to``, how far from its real images the synthesis as of the subject's own is, ``own``,
        and that as of the other one, ``asked``; how far the two syntheses are apart, ``change``, and the real images
        of the two datasets, ``floor``.

    Example:
        >>> from anysyn.probes.dataset_swap.histograms import histogram
        >>> dark, bright = histogram([0.25, 0.5]), histogram([0.5, 0.75])
        >>> list(swaps("A", {"A": dark, "B": dark}, {"A": dark, "B": bright}))
        [{'to': 'B', 'own': 0.25, 'asked': 0.25, 'change': 0.0, 'floor': 0.25}]
    """
    for other in (name for name in references if name != dataset):
        yield {
            "to": other,
            "own": wasserstein(answers[dataset], references[other]),
            "asked": wasserstein(answers[other], references[other]),
            "change": wasserstein(answers[dataset], answers[other]),
            "floor": wasserstein(references[dataset], references[other]),
        }


def swap_means(rows: pd.DataFrame) -> pd.DataFrame:
    """Average the comparisons of each target, each two datasets and each method, then all of each method.

    Args:
        rows: Columns `SWAP`, method and `DISTANCES`; what comes first stays first.

    Returns:
        Columns `SUMMARY`; ``share`` is that of the comparisons in which the synthesis moved towards the dataset asked
        for: asked < own. The target of the last rows is `ALL`.

    Example:
        >>> row = {"target": "T2w", "dataset": "A", "to": "B", "method": "model"}
        >>> row |= {"own": 0.25, "asked": 0.125, "change": 0.125, "floor": 0.25}
        >>> swap_means(pd.DataFrame([row, row | {"asked": 0.375}]))[["target", "asked", "share"]].values.tolist()
        [['T2w', 0.25, 0.5], ['all', 0.25, 0.5]]
    """
    keys = [*SWAP, "method"]
    found = [dict(zip(keys, key, strict=True)) | _means(part) for key, part in rows.groupby(keys, sort=False)]
    for method, part in rows.groupby("method", sort=False):
        found.append({"target": ALL, "dataset": "", "to": "", "method": method} | _means(part))
    return pd.DataFrame(found, columns=list(SUMMARY))


def _means(rows: pd.DataFrame) -> dict[str, Any]:
    means = {name: float(rows[name].mean()) for name in DISTANCES}
    return {"comparisons": len(rows), **means, "share": float((rows["asked"] < rows["own"]).mean())}


def summary_cells(summary: pd.DataFrame) -> list[list[str]]:
    """Write the means for a reader, under `HEADINGS`.

    Args:
        summary: As `swap_means` returns it.

    Example:
        >>> row = {"target": "T2w", "dataset": "A", "to": "B", "method": "model", "comparisons": 2, "share": 0.5}
        >>> summary_cells(pd.DataFrame([row | dict.fromkeys(DISTANCES, 0.25)]))
        [['T2w', 'A → B', 'model', '2', '0.2500', '0.2500', '50 %', '0.2500', '0.2500']]
    """
    return [_cells(row) for row in summary.to_dict("records")]


def _cells(row: Mapping[Hashable, Any]) -> list[str]:
    own, asked, change, floor = (number(row[name], 4) for name in DISTANCES)
    swap = ALL if row["target"] == ALL else arrow(f"{row['dataset']}:{row['to']}")
    share = f"{number(100 * row['share'], 0)} %"
    return [row["target"], swap, row["method"], str(row["comparisons"]), own, asked, share, change, floor]
