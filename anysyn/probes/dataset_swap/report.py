"""Intensities of each dataset, drawn: its real images, and the syntheses treated as it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anysyn.evaluation.tables.format import arrow, number
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.dataset_swap.collect import REAL
from anysyn.probes.dataset_swap.distances import ALL, DISTANCES
from anysyn.probes.section import Grid

ROOM = 1.15  # above the highest curve, but for its ends: dark bone would make all else flat
DASHES = ("-", "--", "-.", ":")  # a dataset has a colour and dashes of its own
TEXT = (
    "Whether treating a subject as another dataset brings its synthesis closer to the intensities of that dataset's "
    "real training images, on {where}. Distances are Wasserstein-1, between histograms of the foreground in prepared "
    "intensities."
)
CAPTIONS = {
    "curves": "Foreground intensities, a line for each dataset: its real training images, and the syntheses of all "
    "subjects treated as that dataset. The subjects of the syntheses are the same in every line, those of the real "
    "images are not.",
    "summary": "Mean distances to the real images of the other dataset: of a subject's synthesis treated as its own "
    "dataset (own) and as the other one (other); the share of comparisons in which this moved it towards them; the "
    "distance between the two syntheses (change), and between the real images of the two datasets (floor).",
}


def summary_grid(summary: pd.DataFrame) -> Grid:
    """Write the means for a reader.

    Args:
        summary: As `anysyn.probes.dataset_swap.distances.swap_means` returns it.

    Example:
        >>> row = {"target": "T2w", "dataset": "A", "to": "B", "method": "model", "comparisons": 2, "share": 0.5}
        >>> summary_grid(pd.DataFrame([row | dict.fromkeys(DISTANCES, 0.25)])).cells
        [['T2w', 'A → B', 'model', '2', '0.2500', '0.2500', '50 %', '0.2500', '0.2500']]
    """
    headings = ["target", "from → to", "method", "comparisons", *DISTANCES[:2], "moved towards", *DISTANCES[2:]]
    return Grid(headings, [_cells(row) for row in summary.to_dict("records")], CAPTIONS["summary"], words=3)


def _cells(row: Mapping[Hashable, Any]) -> list[str]:
    own, other, change, floor = (number(row[name], 4) for name in DISTANCES)
    swap = ALL if row["target"] == ALL else arrow(f"{row['dataset']}:{row['to']}")
    share = f"{number(100 * row['share'], 0)} %"
    return [row["target"], swap, row["method"], str(row["comparisons"]), own, other, share, change, floor]


def intensity_figure(curves: pd.DataFrame, summary: pd.DataFrame) -> Picture:
    """Draw, for each target, the histograms of the datasets' real images, and of each method's syntheses.

    Args:
        curves: As `anysyn.probes.dataset_swap.collect.draw_points` returns them.
        summary: As `anysyn.probes.dataset_swap.distances.swap_means` returns it.

    Example:
        >>> point = {"method": "real", "target": "T2w", "dataset": "A", "intensity": 0.5, "density": 1.0}
        >>> means = {"target": "all", "method": "model", "own": 0.25, "other": 0.125, "share": 0.75}
        >>> points = pd.DataFrame([point, point | {"method": "model"}])
        >>> intensity_figure(points, pd.DataFrame([means])).alt
        'Histograms of T2w; mean distance to the other dataset, treated as its own and as that: model 0.2500, 0.1250'
    """
    targets, methods = list(dict.fromkeys(curves["target"])), list(dict.fromkeys(curves["method"]))
    looks = {name: (f"C{n % 10}", DASHES[n % len(DASHES)]) for n, name in enumerate(sorted(set(curves["dataset"])))}
    figure = Figure(figsize=(0.6 + 3.1 * len(methods), 0.7 + 1.7 * len(targets)), layout="constrained")
    with chart_style():
        panels = figure.subplots(len(targets), len(methods), squeeze=False, sharex="row", sharey="row")
        for row, target in zip(panels, targets, strict=True):
            for axes, method in zip(row, methods, strict=True):
                draw_histograms(axes, curves[(curves["target"] == target) & (curves["method"] == method)], looks)
            row[0].set(ylabel=f"{target}\ndensity", ylim=(0, _highest(curves[curves["target"] == target])))
        for axes, method in zip(panels[0], methods, strict=True):
            axes.set_title("real training images" if method == REAL else f"syntheses by {method}")
        for axes in panels[-1]:
            axes.set_xlabel("prepared intensity")
        lines = [panels[0][0].plot([], [], color=colour, ls=dash)[0] for colour, dash in looks.values()]
        figure.legend(lines, list(looks), loc="outside lower center", ncols=len(looks), frameon=False)
    means = [
        f"{row['method']} {number(row['own'], 4)}, {number(row['other'], 4)}"
        for row in summary[summary["target"] == ALL].to_dict("records")
    ]
    what = f"Histograms of {', '.join(targets)}; mean distance to the other dataset, treated as its own and as that"
    return chart(figure, f"{what}: {'; '.join(means)}")


def draw_histograms(axes: Axes, curves: pd.DataFrame, looks: Mapping[str, tuple[str, str]]) -> None:
    """Draw a line for each dataset.

    Args:
        axes: Where to draw.
        curves: Of one target and method.
        looks: By dataset, its colour and its dashes.
    """
    for name, part in curves.groupby("dataset", sort=False):
        colour, dash = looks[str(name)]
        axes.plot(part["intensity"], part["density"], color=colour, ls=dash, lw=1.2)
    axes.grid(lw=0.4, alpha=0.6)


def _highest(curves: pd.DataFrame) -> float:
    inner = curves.groupby(["method", "dataset"], sort=False)["density"].apply(lambda one: one.iloc[2:-2].max())
    return ROOM * float(inner.max() if inner.notna().any() else curves["density"].max())
