"""Stage prediction: areas with their intervals, confusions, and ROC curves (OmniSyn, Fig. 11)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from anysyn.evaluation.tables.format import number
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.section import Grid

TEXT = (
    "Whether a linear head on the frozen features of the encoder tells a label of people that it never saw, on "
    "{where}. It is fitted on real images, and asked about real images and about synthesized ones in their place."
)
CAPTIONS = {
    "summary": "Area under the ROC curve, mean over the labels of each against the others, with a 95 % interval over "
    "people; a head that knows nothing has 0.5. Beside it the share of the most frequent label.",
    "labels": "How many subjects have each label.",
    "confusion": "Predicted labels, the most probable ones, by the trained encoder.",
    "curves": "ROC curves of the trained encoder, all labels of a column together, each case once for each label.",
}


def summary_grid(summary: pd.DataFrame) -> Grid:
    """Write the areas for a reader.

    Args:
        summary: As the probe's table.

    Example:
        >>> row = {"encoder": "random", "images": "real", "column": "T", "labels": "1, 2", "subjects": 9, "people": 8,
        ...        "auc": 0.5, "auc_low": 0.2, "auc_high": 0.8, "accuracy": 0.5, "largest": 0.6}
        >>> summary_grid(pd.DataFrame([row])).cells
        [['T', 'random', 'real', '9', '0.50 (0.20 to 0.80)', '50 %', '60 %']]
    """
    cells = [
        [
            *(str(row[name]) for name in ("column", "encoder", "images", "subjects")),
            f"{number(row['auc'], 2)} ({number(row['auc_low'], 2)} to {number(row['auc_high'], 2)})",
            *(f"{number(100 * row[name], 0)} %" for name in ("accuracy", "largest")),
        ]
        for row in summary.to_dict("records")
    ]
    headings = ("label", "encoder", "images", "subjects", "AUC", "accuracy", "most frequent")
    return Grid(headings, cells, CAPTIONS["summary"], words=3)


def label_grid(cases: pd.DataFrame) -> Grid:
    """Count the subjects of each label for a reader.

    Args:
        cases: As the probe's table.
    """
    once = cases.drop_duplicates(["column", "subject"])
    counts = once.groupby(["column", "truth"], sort=False).size()
    return Grid(("label", "value", "subjects"), [[*key, str(n)] for key, n in counts.items()], CAPTIONS["labels"], 2)  # type: ignore[misc]


def predicted(cases: pd.DataFrame) -> pd.DataFrame:
    """Return the most probable label of each case, in a column ``predicted``.

    Args:
        cases: A row for each label of each case.
    """
    best = cases.loc[cases.groupby(["encoder", "images", "column", "subject"], sort=False)["probability"].idxmax()]
    return best.rename(columns={"label": "predicted"}).drop(columns="probability")


def confusion_grid(cases: pd.DataFrame, encoder: str) -> Grid:
    """Count predictions by true label for a reader.

    Args:
        cases: As the probe's table.
        encoder: Whose predictions.
    """
    rows = predicted(cases[cases["encoder"] == encoder])
    counts = rows.groupby(["column", "images", "truth", "predicted"]).size()
    cells = [[*map(str, key), str(count)] for key, count in counts.items()]  # type: ignore[call-overload]
    return Grid(("label", "images", "true", "predicted", "subjects"), cells, CAPTIONS["confusion"], words=4)


def curve(truth: np.ndarray, scores: np.ndarray) -> tuple[list[float], list[float]]:
    """Return the false and the true positive rates of an ROC curve, from 0 to 1.

    Args:
        truth: (N,) bool.
        scores: (N,).

    Example:
        >>> curve(np.array([True, False]), np.array([0.9, 0.1]))
        ([0.0, 0.0, 1.0], [0.0, 1.0, 1.0])
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # equal scores are taken together
    right, wrong = np.cumsum(truth[order])[ends], np.cumsum(~truth[order])[ends]
    return [0.0, *(wrong / max(1, wrong[-1])).tolist()], [0.0, *(right / max(1, right[-1])).tolist()]


def curves(cases: pd.DataFrame, encoder: str) -> Picture:
    """Draw the ROC curves of one encoder: a panel for each column, a line for each kind of images.

    Args:
        cases: As the probe's table.
        encoder: Whose predictions.
    """
    own = cases[cases["encoder"] == encoder]
    columns = list(dict.fromkeys(own["column"]))
    figure = Figure(figsize=(2.9 * len(columns), 2.9), layout="constrained")
    with chart_style():
        for axes, column in zip(figure.subplots(1, len(columns), squeeze=False)[0], columns, strict=True):
            axes.plot([0, 1], [0, 1], color="#9a9a9a", lw=0.8)
            for images, rows in _by_images(own[own["column"] == column]):
                axes.plot(
                    *curve((rows["truth"] == rows["label"]).to_numpy(), rows["probability"].to_numpy()), label=images
                )
            axes.set(title=column, xlabel="false positives", ylabel="true positives", aspect="equal")
            axes.legend(loc="lower right")
    return chart(figure, f"ROC curves of {', '.join(columns)}")


def _by_images(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for images in dict.fromkeys(rows["images"]):
        yield images, rows[rows["images"] == images]
