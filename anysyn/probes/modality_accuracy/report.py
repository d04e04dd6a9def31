"""Alignment: the probability of each modality for every text and image (OmniSyn, Fig. 7), and the tables beside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.embeddings.report import about
from anysyn.probes.modality_accuracy.accuracy import cells
from anysyn.probes.modality_accuracy.predictions import PROBABILITY
from anysyn.probes.read_findings import Findings

ACCURACY = ("of", "dataset", "in_training", "modality", "count")
TOLD = ("modality", "description", "slices", "right", "wrong")
TEXTS = ("modality", "found", "description")
COLUMNS = {
    "texts": TEXTS,
    "slices": ("subject", "dataset", "modality", "found"),
    "accuracy": (*ACCURACY, "accuracy"),
    "losses": (*TOLD, "higher"),
}
MOST = 5  # datasets drawn side by side


def alignment_section(findings: Findings) -> dict[str, Any]:
    """Gather what the page shows of the alignment.

    Args:
        findings: The tables ``texts``, ``slices``, ``accuracy`` and ``losses``.
    """
    tables = findings.tables
    return {
        "accuracy": cells(tables["accuracy"], ACCURACY, "accuracy"),
        "losses": cells(tables["losses"], TOLD, "higher"),
        "texts": cells(tables["texts"].assign(own=_own(tables["texts"])), TEXTS, "own"),
        "picture": probability_map(tables["texts"], tables["slices"]),
        **about(findings),
    }


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
