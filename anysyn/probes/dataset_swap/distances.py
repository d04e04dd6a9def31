"""Distances of a synthesis to another dataset's real images, treated as that dataset and as its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from anysyn.probes.dataset_swap.histograms import Histogram, wasserstein

SWAP = ("target", "dataset", "to", "method")
DISTANCES = ("own", "other", "change", "floor")
ALL = "all"  # the target of a row over all comparisons


def measure_swaps(
    dataset: str, syntheses: Mapping[str, Histogram], references: Mapping[str, Histogram]
) -> Iterator[dict[str, Any]]:
    """Compare images synthesized for other datasets with the one for the subject's own dataset.

    Args:
        dataset: The subject's own.
        syntheses: Of one target of one subject, by the dataset that it was treated as.
        references: By dataset, its real images.

    Yields:
        For each other dataset ``to``, the distance to its real images of the synthesis treated as the subject's own
        dataset, ``own``, and as the other one, ``other``; the distance between these two syntheses, ``change``, and
        between the real images of the two datasets, ``floor``.

    Example:
        >>> from anysyn.probes.dataset_swap.histograms import count_intensities
        >>> dark, bright = count_intensities([0.25, 0.5]), count_intensities([0.5, 0.75])
        >>> list(measure_swaps("A", {"A": dark, "B": dark}, {"A": dark, "B": bright}))
        [{'to': 'B', 'own': 0.25, 'other': 0.25, 'change': 0.0, 'floor': 0.25}]
    """
    for name in (name for name in references if name != dataset):
        yield {
            "to": name,
            "own": wasserstein(syntheses[dataset], references[name]),
            "other": wasserstein(syntheses[name], references[name]),
            "change": wasserstein(syntheses[dataset], syntheses[name]),
            "floor": wasserstein(references[dataset], references[name]),
        }


def swap_means(swaps: pd.DataFrame) -> pd.DataFrame:
    """Average the comparisons of each target, each two datasets and each method, then all of each method.

    Args:
        swaps: Columns `SWAP` and `DISTANCES`; what comes first stays first.

    Returns:
        Columns `SWAP`, comparisons, `DISTANCES` and ``share``, that of the comparisons in which the synthesis moved
        towards the other dataset: other < own. The target of the last rows is `ALL`.

    Example:
        >>> row = {"target": "T2w", "dataset": "A", "to": "B", "method": "model"}
        >>> row |= {"own": 0.25, "other": 0.125, "change": 0.125, "floor": 0.25}
        >>> swap_means(pd.DataFrame([row, row | {"other": 0.375}]))[["target", "other", "share"]].values.tolist()
        [['T2w', 0.25, 0.5], ['all', 0.25, 0.5]]
    """
    rows = [dict(zip(SWAP, key, strict=True)) | _means(part) for key, part in swaps.groupby([*SWAP], sort=False)]
    for method, part in swaps.groupby("method", sort=False):
        rows.append({"target": ALL, "dataset": "", "to": "", "method": method} | _means(part))
    return pd.DataFrame(rows)


def _means(swaps: pd.DataFrame) -> dict[str, Any]:
    means = {name: float(swaps[name].mean()) for name in DISTANCES}
    return {"comparisons": len(swaps), **means, "share": float((swaps["other"] < swaps["own"]).mean())}
