"""Distributions: the scores of every case, for each pair and method."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anysyn.evaluation.metrics.metrics import metric
from anysyn.evaluation.tables.format import arrow, heading
from anysyn.evaluation.tables.statistics import finite
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.figures.planes import Floats

ENOUGH = 5  # cases that make a box worth drawing
CROWDED = 60  # cases whose dots would hide one another
STYLES = (("#0072b2", "o"), ("#6f6f6f", "s"), ("#d55e00", "^"), ("#009e73", "D"), ("#cc79a7", "v"))


def distributions(cases: pd.DataFrame, names: list[str]) -> Picture:
    """Draw the scores side by side: a panel for each metric, a row for each pair, a shape and colour for each method.

    Example:
        >>> case = {"sources": "T1w", "target": "T2w", "method": "model", "psnr": 30.0}
        >>> distributions(pd.DataFrame([case]), ["psnr"]).alt
        'PSNR (dB) of every case for each pair and method; the medians: T1w → T2w, model 30.00.'
    """
    pairs, methods = list((cases["sources"] + ":" + cases["target"]).unique()), list(cases["method"].unique())
    step = max(0.3, 0.16 * len(methods) + 0.06)  # inches for a pair
    figure = Figure(figsize=(12, 1.1 + step * len(pairs)), layout="constrained")
    with chart_style():
        panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
        for axes, name in zip(panels, names, strict=True):
            _panel(axes, cases, pairs, methods, name)
        panels[0].set_yticks(range(len(pairs)), [arrow(pair) for pair in pairs])
        panels[0].set_ylim(len(pairs) - 0.5, -0.5)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=len(methods), frameon=False)
    return chart(figure, _alt(cases, pairs, methods, names))


def _panel(axes: Axes, cases: pd.DataFrame, pairs: list[str], methods: list[str], name: str) -> None:
    height = 0.8 / len(methods)
    for row in range(0, len(pairs), 2):
        axes.axhspan(row - 0.5, row + 0.5, color="#808080", alpha=0.1, lw=0)
    for number, method in enumerate(methods):
        colour, shape = STYLES[number % len(STYLES)]
        for row, pair in enumerate(pairs):
            at = row + (number - (len(methods) - 1) / 2) * height
            _strip(axes, _finite(cases, pair, method, name), at, height, colour, shape)
        axes.plot([], [], shape, color=colour, ms=5, label=method)
    axes.set_xlabel(heading(name))
    axes.grid(axis="x", lw=0.4, alpha=0.6)
    axes.tick_params(axis="y", length=0)


def _strip(axes: Axes, values: Floats, at: float, height: float, colour: str, shape: str) -> None:
    if len(values) >= ENOUGH:
        axes.boxplot(
            values,
            positions=[at],
            widths=0.8 * height,
            orientation="horizontal",
            patch_artist=True,
            manage_ticks=False,
            showfliers=len(values) > CROWDED,
            flierprops={"marker": ".", "ms": 2},
            boxprops={"facecolor": colour, "alpha": 0.35, "lw": 0.6},
            medianprops={"color": "black", "lw": 1.2},
            whiskerprops={"lw": 0.6},
            capprops={"lw": 0.6},
        )
    if len(values) <= CROWDED:
        size, alpha = (2.5, 0.6) if len(values) >= ENOUGH else (4.5, 1.0)
        axes.plot(values, np.full(len(values), at), shape, ms=size, alpha=alpha, color=colour, mew=0)


def _finite(cases: pd.DataFrame, pair: str, method: str, name: str) -> Floats:
    of = (cases["sources"] + ":" + cases["target"] == pair) & (cases["method"] == method)
    return finite(cases.loc[of, name])


def _alt(cases: pd.DataFrame, pairs: list[str], methods: list[str], names: list[str]) -> str:
    main, digits = names[0], metric(names[0]).digits
    medians = [
        f"{arrow(pair)}, {method} {np.median(values):.{digits}f}"
        for pair in pairs
        for method in methods
        if len(values := _finite(cases, pair, method, main))
    ]
    labels = " and ".join(metric(name).label for name in names)
    return f"{labels} of every case for each pair and method; the medians: {'; '.join(medians)}."
