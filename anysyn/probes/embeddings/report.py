"""Embeddings: their principal components as points, coloured by modality and by slice (OmniSyn, Fig. 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anysyn.evaluation.tables.format import number
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.section import Grid

SHOWN = 10  # slices that get a colour of their own; more cannot be distinguished
MOST = 1500  # points of a panel; more hide one another and make the page heavy
SHAPES = "osD^vP*Xph"
GREY = "#9a9a9a"
TEXT = (
    "What the encoder makes of a slice, averaged over its voxels, on {where}. An encoder that sees the anatomy puts "
    "the same slice in two modalities close together and different slices apart; one that sees the modality does the "
    "opposite."
)
CAPTIONS = {
    "cosines": "Mean cosine similarity; different slices are compared in one modality.",
    "components": "Two principal components of the embeddings of each encoder. Left, a colour and a shape for each "
    f"modality. Right, at most {SHOWN} slices, spread over the cohort, in a colour each, their modalities joined by a "
    "line; the others in grey.",
}


def cosine_grid(labels: Sequence[str], groups: Sequence[tuple[str, Sequence[tuple[str, Sequence[float]]]]]) -> Grid:
    """Write mean cosines for a reader.

    Args:
        labels: Of the encoders.
        groups: As `arranged` returns them.
    """
    cells = [
        [title if n == 0 else "", pair, *(number(value, 4) for value in values)]
        for title, rows in groups
        for n, (pair, values) in enumerate(rows)
    ]
    return Grid(["with", "modalities", *labels], cells, CAPTIONS["cosines"], words=2)


def scatter(points: pd.DataFrame, shares: Mapping[str, Sequence[float]]) -> Picture:
    """Draw the embeddings of each encoder twice: coloured by modality, and a few slices each in a colour of its own.

    Args:
        points: Columns encoder, subject, dataset, slice, modality, x, y.
        shares: By encoder, the share of the variance along x and y.

    Example:
        >>> point = {"encoder": "random", "subject": "a", "dataset": "", "slice": 0, "modality": "T1w", "x": 0, "y": 0}
        >>> scatter(pd.DataFrame([point, point | {"modality": "T2w", "x": 1}]), {"random": [0.75, 0.25]}).alt
        'Two principal components of the embeddings of random (100 % of the variance), 2 slices and modalities'
    """
    labels = list(dict.fromkeys(points["encoder"]))
    figure = Figure(figsize=(9, 3.6 * len(labels)), layout="constrained")
    with chart_style():
        panels = figure.subplots(len(labels), 2, squeeze=False)
        for (left, right), label in zip(panels, labels, strict=True):
            own = points[points["encoder"] == label]
            by_modality(left, own)
            by_slice(right, own)
            for axes, title in ((left, "by modality"), (right, "by slice")):
                axes.set_title(f"{label}, {title}")
                axes.set(xlabel=_axis(shares[label][0]), ylabel=_axis(shares[label][1]), xticks=[], yticks=[])
    spans = [f"{label} ({sum(shares[label]):.0%} of the variance)".replace("%", " %") for label in labels]
    count = len(points) // len(labels)
    named = " and ".join(spans)
    return chart(figure, f"Two principal components of the embeddings of {named}, {count} slices and modalities")


def by_modality(axes: Axes, points: pd.DataFrame) -> None:
    """Draw points, a colour and a shape for each modality.

    Args:
        axes: Where to draw.
        points: Of one encoder.
    """
    every = -(-len(points) // MOST)
    for n, (name, part) in enumerate(points.groupby("modality", sort=False)):
        shown = part.iloc[::every]
        axes.scatter(shown["x"], shown["y"], s=9, lw=0, alpha=0.7, color=_colour(n), marker=_shape(n), label=str(name))
    axes.legend(frameon=False, markerscale=1.6)


def by_slice(axes: Axes, points: pd.DataFrame) -> None:
    """Draw a few slices, spread over the cohort, in a colour each and joined across modalities; the others in grey.

    Args:
        axes: Where to draw.
        points: Of one encoder.
    """
    shown = points.iloc[:: -(-len(points) // MOST)]
    axes.scatter(shown["x"], shown["y"], s=5, lw=0, alpha=0.35, color=GREY)
    shapes = {name: _shape(n) for n, name in enumerate(dict.fromkeys(points["modality"]))}
    slices = [part for _, part in points.groupby(["dataset", "subject", "slice"], sort=False) if len(part) > 1]
    chosen = np.linspace(0, len(slices) - 1, min(SHOWN, len(slices))).round().astype(int)
    for n, place in enumerate(chosen):
        part = slices[place]
        axes.plot(part["x"], part["y"], color=_colour(n), lw=0.8, alpha=0.8)
        for name, x, y in zip(part["modality"], part["x"], part["y"], strict=True):
            axes.scatter(x, y, s=26, lw=0.4, edgecolors="black", color=_colour(n), marker=shapes[name])


def _colour(number: int) -> Any:
    return mpl.colormaps["tab10"](number % 10)


def _shape(number: int) -> str:
    return SHAPES[number % len(SHAPES)]


def _axis(share: float) -> str:
    return f"{100 * share:.0f} % of the variance"
