"""Modality accuracy: tables, and the probability of each modality for every text and slice (OmniSyn, Fig. 7)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from anysyn.evaluation.tables.format import number
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.modality_accuracy.predictions import PROBABILITY
from anysyn.probes.section import Grid

MOST = 5  # datasets drawn side by side
TEXT = "How well the image-text model recognizes modalities, on {where}."
CAPTIONS = {
    "accuracy": "Accuracy: the share of texts, and of real slices, whose modality is recognized.",
    "probabilities": "The probability of each modality, bright where it is likely. Each row is a text or a slice, "
    "ordered by its true modality; the brightest column of a row is the modality predicted.",
    "losses": "Semantic loss of real slices, given the right and a wrong description, and the share of slices on which "
    "the wrong one costs more. Against all wrong ones at once that share is the accuracy.",
    "descriptions": "Descriptions, the modality predicted, and the probability of the right one.",
}


def accuracy_grid(accuracy: pd.DataFrame) -> Grid:
    """Write accuracies for a reader.

    Args:
        accuracy: As `summarise_accuracy` returns it.

    Example:
        >>> row = {"of": "image", "dataset": "A", "in_training": "no", "modality": "T1w", "count": 3, "accuracy": 2 / 3}
        >>> accuracy_grid(pd.DataFrame([row])).cells
        [['image', 'A', 'no', 'T1w', '3', '66.67 %']]
    """
    cells = [[*map(str, row[:-1]), _percent(row[-1])] for row in accuracy.itertuples(index=False)]
    headings = ["of", "dataset", "in training", "modality", "count", "accuracy"]
    return Grid(headings, cells, CAPTIONS["accuracy"], words=4)


def loss_grid(losses: pd.DataFrame) -> Grid:
    """Write losses for a reader.

    Args:
        losses: As `compare_losses` returns them.
    """
    cells = [
        [*map(str, words), number(right, 3), number(wrong, 3), _percent(higher)]
        for *words, right, wrong, higher in losses.itertuples(index=False)
    ]
    headings = ["slices of", "described as", "slices", "loss, right", "loss, wrong", "wrong is higher"]
    return Grid(headings, cells, CAPTIONS["losses"], words=2)


def description_grid(texts: pd.DataFrame) -> Grid:
    """Write the descriptions and the modalities predicted for a reader.

    Args:
        texts: As `classify_descriptions` returns them.
    """
    rows = zip(texts["modality"], texts["found"], texts["description"], map(_percent, _own(texts)), strict=True)
    headings = ["modality", "predicted", "description", "probability"]
    return Grid(headings, [list(row) for row in rows], CAPTIONS["descriptions"], words=3)


def probability_map(texts: pd.DataFrame, slices: pd.DataFrame) -> Picture:
    """Draw the probability of each modality, bright where it is likely: a row for each text or image.

    Args:
        texts: Column modality, and a probability for each modality.
        slices: Columns dataset and modality, and a probability for each modality.

    Example:
        >>> likely = {"probability of T1w": [0.9, 0.2], "probability of T2w": [0.1, 0.8]}
        >>> texts = pd.DataFrame({"modality": ["T1w", "T2w"], **likely})
        >>> probability_map(texts, texts.assign(dataset="A")).alt
        'Mean probability of the right modality: texts 85 %, images of A 85 %'
    """
    names = [column.removeprefix(PROBABILITY) for column in texts.columns if column.startswith(PROBABILITY)]
    datasets = list(dict.fromkeys(slices["dataset"]))
    parts = [("texts", texts)]
    if len(datasets) > MOST:
        parts.append(("images of all datasets", slices))
    else:
        parts += [(f"images of {name or 'the cohort'}", slices[slices["dataset"] == name]) for name in datasets]
    figure = Figure(figsize=(1.2 + 2.1 * len(parts), 4.2), layout="constrained")
    with chart_style():
        panels = figure.subplots(1, len(parts), squeeze=False)[0]
        drawn = [_panel(axes, part, names, title) for axes, (title, part) in zip(panels, parts, strict=True)]
        figure.colorbar(drawn[-1], ax=panels[-1], label="probability")
    means = [f"{title} {100 * right_probability(part):.0f} %" for title, part in parts]
    return chart(figure, f"Mean probability of the right modality: {', '.join(means)}")


def right_probability(rows: pd.DataFrame) -> float:
    """Average the probability that rows give their own modality.

    Args:
        rows: Column modality, and a probability for each modality.
    """
    return float(_own(rows).mean())


def _percent(share: float) -> str:
    return f"{number(100 * share, 2)} %"


def _own(rows: pd.DataFrame) -> pd.Series:
    return pd.Series([row[PROBABILITY + row["modality"]] for row in rows.to_dict("records")], dtype=float)


def _panel(axes: Axes, rows: pd.DataFrame, names: Sequence[str], title: str) -> AxesImage:
    ordered = pd.concat([rows[rows["modality"] == name] for name in names])
    likely = ordered[[PROBABILITY + name for name in names]].to_numpy(dtype=float)  # (N, M)
    drawn = axes.imshow(likely, aspect="auto", vmin=0, vmax=1, cmap="viridis")
    counts = [int((ordered["modality"] == name).sum()) for name in names]
    ends = np.cumsum(counts)
    axes.set_yticks(ends - np.array(counts) / 2 - 0.5, names)
    axes.hlines(ends[:-1] - 0.5, -0.5, len(names) - 0.5, color="white", lw=0.8)
    axes.set_xticks(range(len(names)), names, rotation=60)
    axes.set_title(title)
    return drawn
