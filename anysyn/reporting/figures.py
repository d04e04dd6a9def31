"""Figures of the report, as data that a page can hold."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from anysyn.evaluation.examples import Example

Image = NDArray[np.floating]

ERROR = 0.3  # error at which the colour scale of error maps ends, on the scale of prepared intensities
PLANES = ("sagittal", "coronal", "axial")
COLOURS = {
    "model": "#0072b2",
    "source copied": "#999999",
    "intensity regression": "#d55e00",
}  # safe to the colour-blind


def as_data(figure: Figure, *, dpi: int = 90) -> str:
    """Write a figure as a PNG data URI.

    Example:
        >>> as_data(Figure(figsize=(1, 1)))[:22]
        'data:image/png;base64,'
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor="white")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def upright(plane: Image, axis: int) -> Image:
    """Turn a plane of RAS arrays as radiologists look at it: the patient's right is on the left, up is up.

    Args:
        plane: Across axis 0 (Y, Z), 1 (X, Z) or 2 (X, Y).
        axis: Which.

    Example:
        >>> upright(np.array([[1, 2], [3, 4]]), 2).tolist()  # x runs right to left, y upwards
        [[4, 2], [3, 1]]
    """
    turned = np.flipud(plane.T)
    return turned if axis == 0 else np.fliplr(turned)


def example_figure(example: Example) -> Figure:
    """Draw source, truth, prediction and error of a case in three planes.

    Truth and prediction share one grey scale; errors are signed, on one fixed scale for every case.

    Args:
        example: What the evaluation kept.
    """
    prediction = example.predictions["model"]
    columns = [*((f"source {name}", planes) for name, planes in example.sources.items())]
    columns += [(f"truth {example.target}", example.truth), (f"synthetic {example.target}", prediction)]
    figure = Figure(figsize=(2.3 * (len(columns) + 1), 6.6), layout="constrained")
    axes = figure.subplots(3, len(columns) + 1, squeeze=False)
    for row, axis in enumerate((2, 1, 0)):
        for column, (title, planes) in enumerate(columns):
            _show(axes[row, column], planes[axis], axis, example.spacing, cmap="gray", vmin=0, vmax=1)
            axes[row, column].set_title(title if row == 0 else "", fontsize=9)
        error = prediction[axis].astype(np.float32) - example.truth[axis].astype(np.float32)
        drawn = _show(axes[row, -1], error, axis, example.spacing, cmap="RdBu_r", vmin=-ERROR, vmax=ERROR)
        axes[row, -1].set_title("synthetic - truth" if row == 0 else "", fontsize=9)
        axes[row, 0].set_ylabel(PLANES[axis], fontsize=9)
    figure.colorbar(drawn, ax=axes[:, -1], shrink=0.6)
    return figure


def _show(axes: Axes, plane: Image, axis: int, spacing: Sequence[float], **style: Any) -> AxesImage:
    across = [edge for i, edge in enumerate(spacing) if i != axis]
    image = upright(plane.astype(np.float32), axis)
    drawn = axes.imshow(image, aspect=across[1] / across[0], interpolation="nearest", **style)
    axes.set_xticks([])
    axes.set_yticks([])
    if axis != 0:
        axes.text(0.02, 0.5, "R", transform=axes.transAxes, fontsize=7, color="#c90", va="center")
    return drawn


def curves_figure(training: pd.DataFrame, validation: pd.DataFrame) -> Figure:
    """Draw the terms of the loss over the epochs, a panel for each stage and term.

    Args:
        training: Columns stage, epoch, batch, term, value.
        validation: Columns stage, epoch, term, value; it may be empty.
    """
    panels = list(training.groupby(["stage", "term"], sort=False))
    figure = Figure(figsize=(max(5.0, 4.0 * len(panels)), 3.0), layout="constrained")
    for axes, ((stage, term), rows) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        last = rows.groupby("epoch")["batch"].transform("max")
        axes.plot(rows["epoch"] + rows["batch"] / last, rows["value"], label="training", lw=0.8, color="#999999")
        seen = validation[(validation["stage"] == stage) & (validation["term"] == term)]
        axes.plot(seen["epoch"] + 1, seen["value"], "o-", ms=3, label="validation", color=COLOURS["model"])
        axes.set(title=f"{stage}: {term}", xlabel="epoch", yscale="log")
        axes.legend(fontsize=8)
    return figure


def distribution_figure(cases: pd.DataFrame, metric: str, label: str) -> Figure:
    """Draw the distribution of a metric over the cases, for each pair and method.

    Args:
        cases: Columns sources, target, method and the metric.
        metric: Which.
        label: What the axis says.
    """
    pairs = [f"{sources} → {target}" for sources, target in _pairs(cases)]
    figure = Figure(figsize=(max(6.0, 0.9 * len(pairs) + 1.5), 3.6), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(COLOURS)
    for shift, (method, colour) in enumerate(COLOURS.items()):
        for place, (sources, target) in enumerate(_pairs(cases)):
            rows = cases[(cases["sources"] == sources) & (cases["target"] == target) & (cases["method"] == method)]
            values = rows[metric].replace([np.inf], np.nan).dropna()
            at = place + (shift - 1) * width
            if len(values):
                axes.boxplot(values, positions=[at], widths=0.8 * width, **_style(colour))
                axes.plot(np.full(len(values), at), values, ".", ms=3, color="black", alpha=0.5)
        axes.plot([], [], "s", color=colour, label=method)
    axes.set_xticks(range(len(pairs)), pairs, rotation=45, ha="right", fontsize=8)
    axes.set_ylabel(label)
    axes.legend(fontsize=8, ncols=3)
    return figure


def _pairs(cases: pd.DataFrame) -> list[tuple[str, str]]:
    return list(dict.fromkeys(zip(cases["sources"], cases["target"], strict=True)))


def _style(colour: str) -> dict[str, Any]:
    return {
        "patch_artist": True,
        "showfliers": False,
        "manage_ticks": False,
        "boxprops": {"facecolor": colour, "alpha": 0.6},
        "medianprops": {"color": "black"},
    }
