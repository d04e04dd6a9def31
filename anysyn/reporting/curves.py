"""Curves: how a stage of the training went."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from anysyn.figures.pictures import Picture, chart, chart_style

COLUMNS = 3
POINTS = 300  # of a curve at the most; more cannot be distinguished
STEEP = 5  # ratio of the largest to the smallest value from which on a scale is logarithmic
FEW = 40  # points that deserve a mark each
TRAINING, VALIDATION = "#6f6f6f", "#0072b2"


def curves(training: pd.DataFrame, validation: pd.DataFrame) -> Picture:
    """Draw every term of a stage over its epochs, in training and validation, and the speed.

    Args:
        training: Of one stage: columns stage, epoch, batch, term, value, speed.
        validation: Of one stage: columns stage, epoch, term, value; it may be empty.

    Example:
        >>> row = {"stage": "synthesis", "epoch": 0, "batch": 10, "term": "l1", "value": 0.5, "speed": 30.0}
        >>> empty = pd.DataFrame(columns=["stage", "epoch", "term", "value"])
        >>> curves(pd.DataFrame([row, row | {"epoch": 1, "value": 0.25}]), empty).alt
        'l1 in training from 0.5 to 0.25; 30 samples a second'
    """
    terms = list(dict.fromkeys([*training["term"], *validation["term"]]))
    rows = -(-(len(terms) + 1) // COLUMNS)
    columns = min(COLUMNS, len(terms) + 1)
    figure = Figure(figsize=(4 * columns, 2.7 * rows), layout="constrained")
    with chart_style():
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, term in zip(panels, terms, strict=False):
            _term(axes, term, training[training["term"] == term], validation[validation["term"] == term])
        _speed(panels[len(terms)], training.drop_duplicates(["epoch", "batch"]))
        for axes in panels[len(terms) + 1 :]:
            axes.set_axis_off()
    return chart(figure, _alt(training, validation, terms))


def epochs(rows: pd.DataFrame) -> pd.Series:
    """Return how many epochs were done at each row of a training log: epoch, from 0, and batch, from 1.

    Example:
        >>> epochs(pd.DataFrame({"epoch": [0, 0, 1], "batch": [10, 20, 10]})).tolist()
        [0.5, 1.0, 1.5]
    """
    done: pd.Series = rows["epoch"] + rows["batch"] / rows["batch"].max()
    return done


def thin(rows: pd.DataFrame, points: int = POINTS) -> pd.DataFrame:
    """Average neighbouring rows until at most ``points`` are left.

    Example:
        >>> thin(pd.DataFrame({"value": [1.0, 3.0, 5.0]}), 2)["value"].tolist()
        [2.0, 5.0]
    """
    together = max(1, -(-len(rows) // points))
    rows = rows.reset_index(drop=True)
    return rows.groupby(rows.index // together).mean()


def _term(axes: Axes, term: str, training: pd.DataFrame, validation: pd.DataFrame) -> None:
    if len(training):
        drawn = thin(pd.DataFrame({"x": epochs(training), "y": training["value"]}))
        axes.plot(drawn["x"], drawn["y"], color=TRAINING, lw=1, label="training", **_marks(drawn, "."))
    if len(validation):
        drawn = pd.DataFrame({"x": validation["epoch"] + 1, "y": validation["value"]})
        axes.plot(drawn["x"], drawn["y"], color=VALIDATION, lw=1.6, label="validation", **_marks(drawn, "o"))
    values = pd.concat([training["value"], validation["value"]])
    if values.min() > 0 and values.max() > STEEP * values.min():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
    axes.set_title(term)
    _ground(axes)
    axes.legend(frameon=False)


def _speed(axes: Axes, rows: pd.DataFrame) -> None:
    drawn = thin(pd.DataFrame({"x": epochs(rows), "y": rows["speed"]}))
    axes.plot(drawn["x"], drawn["y"], color=TRAINING, lw=1, **_marks(drawn, "."))
    axes.set(title="speed", ylabel="samples a second")
    axes.set_ylim(bottom=0)
    _ground(axes)


def _ground(axes: Axes) -> None:
    axes.set_xlabel("epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(lw=0.4, alpha=0.6)


def _marks(drawn: pd.DataFrame, shape: str) -> dict[str, Any]:
    return {"marker": shape, "ms": 3.5} if len(drawn) <= FEW else {}


def _alt(training: pd.DataFrame, validation: pd.DataFrame, terms: list[str]) -> str:
    named = {"training": training, "validation": validation}
    spans = [
        f"{term} in {name} from {values.iloc[0]:.3g} to {values.iloc[-1]:.3g}"
        for term in terms
        for name, rows in named.items()
        if len(values := rows.loc[rows["term"] == term, "value"])
    ]
    return "; ".join([*spans, f"{training['speed'].median():.0f} samples a second"])
