"""Retrieval: which modality and which prompt an image-text model finds for an image (TUMSyn, Supplementary Fig. 1)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anysyn.evaluation.tables.format import number
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.modality_accuracy.accuracy import ALL
from anysyn.probes.section import Grid

TITLES = {"text": "prompt among ten", "modality": "modality"}
TEXT = "Whether the image-text model finds the text of an image, on {where}."
CAPTIONS = {
    "accuracy": "Accuracy: the share of images whose text is found.",
    "figure": "Left and middle: for the images of each modality, the modality found, in percent. Right: how often the "
    "modality is found, and how often the image's own prompt comes first among ten, averaged over all choices of the "
    "other nine.",
}


def accuracy_grid(accuracy: pd.DataFrame) -> Grid:
    """Write the accuracies for a reader.

    Args:
        accuracy: As `summarise_accuracy` returns it.
    """
    cells = [
        [
            *(str(row[key]) for key in ("of", "dataset", "modality", "count")),
            *(f"{number(100 * row[key], 1)} %" for key in ("accuracy", "chance")),
        ]
        for row in accuracy.to_dict("records")
    ]
    return Grid(["of", "dataset", "modality", "count", "accuracy", "chance"], cells, CAPTIONS["accuracy"], words=3)


def retrieval_figure(images: pd.DataFrame, accuracy: pd.DataFrame) -> Picture:
    """Draw the modality found for the images of each modality, by description and by prompt, and the accuracies.

    Args:
        images: Columns modality, found, nearest.
        accuracy: Columns of, dataset, modality, accuracy, chance.

    Example:
        >>> images = pd.DataFrame({"modality": ["T1w", "T2w"], "found": ["T1w", "T1w"], "nearest": ["T1w", "T2w"]})
        >>> row = {"of": "text", "dataset": "all", "modality": "all", "accuracy": 0.75, "chance": 0.1}
        >>> rows = [row, row | {"of": "modality", "accuracy": 0.5, "chance": 0.5}]
        >>> retrieval_figure(images, pd.DataFrame(rows)).alt
        'Found: prompt among ten 75 % (chance 10 %), modality 50 % (chance 50 %)'
    """
    names = list(dict.fromkeys([*images["modality"], *images["found"]]))
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    with chart_style():
        left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.3])
        confusion(left, images, "found", names, "by the modality's description")
        confusion(middle, images, "nearest", names, "by the nearest of all prompts")
        bars(right, accuracy)
    whole = accuracy[(accuracy["dataset"] == ALL) & (accuracy["modality"] == ALL)]
    shares = [
        f"{TITLES[row['of']]} {100 * row['accuracy']:.0f} % (chance {100 * row['chance']:.0f} %)"
        for row in whole.to_dict("records")
    ]
    return chart(figure, f"Found: {', '.join(shares)}")


def confusion(axes: Axes, images: pd.DataFrame, column: str, names: Sequence[str], title: str) -> None:
    """Draw which modality was found for the images of each modality, as shares of them.

    Args:
        axes: Where to draw.
        images: Columns modality and the one named.
        column: What was found.
        names: The modalities in order.
        title: Of the panel.
    """
    counts = np.array(
        [[((images["modality"] == own) & (images[column] == other)).sum() for other in names] for own in names]
    )
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
    for row, column_ in np.argwhere(counts):
        share = shares[row, column_]
        axes.text(
            column_, row, f"{100 * share:.0f}", ha="center", va="center", color="white" if share > 0.5 else "black"
        )
    axes.set_xticks(range(len(names)), names, rotation=60)
    axes.set_yticks(range(len(names)), names)
    axes.set(title=title, xlabel="found, % of the images", ylabel="image")


def bars(axes: Axes, accuracy: pd.DataFrame) -> None:
    """Draw the accuracies of all images and of each modality, with a line where chance is.

    Args:
        axes: Where to draw.
        accuracy: Columns of, dataset, modality, accuracy, chance.
    """
    rows = accuracy[accuracy["dataset"] == ALL]
    labels = list(dict.fromkeys(rows["modality"]))
    for n, (of, title) in enumerate(TITLES.items()):
        own = rows[rows["of"] == of].set_index("modality")
        places = np.arange(len(labels)) + (n - 0.5) * 0.4
        drawn = axes.bar(places, 100 * own.loc[labels, "accuracy"], 0.38, label=title)
        axes.axhline(100 * own["chance"].iloc[0], color=drawn[0].get_facecolor(), ls="--", lw=1)
    axes.set_xticks(range(len(labels)), labels, rotation=60)
    axes.set(title="found, and chance (dashed)", ylabel="% of the images", ylim=(0, 105))
    axes.legend(frameon=False)
