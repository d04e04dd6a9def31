"""Modulation: the intensities of each dataset's real images, and of the syntheses that are asked for as of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anysyn.evaluation.tables.format import number
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.dataset_swap.collect import CURVES, REAL
from anysyn.probes.dataset_swap.distances import ALL, HEADINGS, SUMMARY, summary_cells
from anysyn.probes.embeddings.report import about
from anysyn.probes.read_findings import Findings

COLUMNS = {"summary": SUMMARY, "curves": CURVES}
ROOM = 1.15  # above the highest curve, but for its ends: dark bone would make all else flat
DASHES = ("-", "--", "-.", ":")  # a dataset is told by its colour and its dashes


def modulation_section(findings: Findings) -> dict[str, Any]:
    """Gather what the page shows of the modulation.

    Args:
        findings: The tables ``summary`` and ``curves``.
    """
    summary = findings.tables["summary"]
    return {
        "headings": [heading[0].upper() + heading[1:] for heading in HEADINGS],
        "summary": summary_cells(summary),
        "picture": intensity_figure(findings.tables["curves"], summary),
        **about(findings),
    }


def intensity_figure(curves: pd.DataFrame, summary: pd.DataFrame) -> Picture:
    """Draw, for each target, the histograms of the datasets' real images, and of each method's syntheses as of them.

    Args:
        curves: Columns `anysyn.probes.dataset_swap.collect.CURVES`.
        summary: As `anysyn.probes.dataset_swap.distances.swap_means` returns it.

    Example:
        >>> point = {"method": "real", "target": "T2w", "dataset": "A", "intensity": 0.5, "density": 1.0}
        >>> means = {"target": "all", "method": "model", "own": 0.25, "asked": 0.125, "share": 0.75}
        >>> points = pd.DataFrame([point, point | {"method": "model"}])
        >>> intensity_figure(points, pd.DataFrame([means])).alt
        'Histograms of T2w; mean distance to the dataset asked for, as its own and as asked: model 0.2500, 0.1250'
    """
    targets, methods = list(dict.fromkeys(curves["target"])), list(dict.fromkeys(curves["method"]))
    looks = {name: (f"C{n % 10}", DASHES[n % len(DASHES)]) for n, name in enumerate(sorted(set(curves["dataset"])))}
    figure = Figure(figsize=(0.6 + 3.1 * len(methods), 0.7 + 1.7 * len(targets)), layout="constrained")
    with chart_style():
        panels = figure.subplots(len(targets), len(methods), squeeze=False, sharex="row", sharey="row")
        for row, target in zip(panels, targets, strict=True):
            for axes, method in zip(row, methods, strict=True):
                held = curves[(curves["target"] == target) & (curves["method"] == method)]
                histograms(axes, held, looks)
            row[0].set(ylabel=f"{target}\ndensity", ylim=(0, _highest(curves[curves["target"] == target])))
        for axes, method in zip(panels[0], methods, strict=True):
            axes.set_title("real training images" if method == REAL else f"syntheses by {method}")
        for axes in panels[-1]:
            axes.set_xlabel("prepared intensity")
        lines = [panels[0][0].plot([], [], color=colour, ls=dash)[0] for colour, dash in looks.values()]
        figure.legend(lines, list(looks), loc="outside lower center", ncols=len(looks), frameon=False)
    said = [
        f"{row['method']} {number(row['own'], 4)}, {number(row['asked'], 4)}"
        for row in summary[summary["target"] == ALL].to_dict("records")
    ]
    what = f"Histograms of {', '.join(targets)}; mean distance to the dataset asked for, as its own and as asked"
    return chart(figure, f"{what}: {'; '.join(said)}")


def histograms(axes: Axes, curves: pd.DataFrame, looks: Mapping[str, tuple[str, str]]) -> None:
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
