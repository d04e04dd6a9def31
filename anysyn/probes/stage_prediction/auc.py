"""The area under the ROC curve of several labels, with an interval over people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from anysyn.evaluation.tables.statistics import Interval

Array = NDArray[np.float64]


def auc(truth: NDArray[np.bool_], scores: Array) -> float:
    """Return the area under the ROC curve: how often a case that is true scores above one that is not.

    Args:
        truth: (N,) bool.
        scores: (N,); equal ones count half.

    Returns:
        NaN unless both kinds are there.

    Example:
        >>> auc(np.array([True, True, False, False]), np.array([0.9, 0.4, 0.4, 0.1]))
        0.875
    """
    positive = int(truth.sum())
    negative = len(truth) - positive
    if not positive or not negative:
        return float("nan")
    ranks = rankdata(scores)[truth].sum()
    return float((ranks - positive * (positive + 1) / 2) / (positive * negative))


def mean_auc(truth: NDArray[np.int64], probabilities: Array) -> float:
    """Return the mean over the labels of the area of each against all others; of two, that of the second.

    Args:
        truth: (N,) numbers of labels.
        probabilities: (N, K).

    Returns:
        NaN if there is but one label; a label that is nobody's is left out.

    Example:
        >>> mean_auc(np.array([0, 1]), np.array([[0.8, 0.2], [0.3, 0.7]]))
        1.0
    """
    labels = range(probabilities.shape[1])[-1:] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    areas = [auc(truth == label, probabilities[:, label]) for label in labels]
    known = [area for area in areas if area == area]
    return float(np.mean(known)) if known else float("nan")


def auc_interval(
    truth: NDArray[np.int64],
    probabilities: Array,
    persons: Sequence[str],
    *,
    generator: np.random.Generator,
    resamples: int = 1000,
    level: float = 0.95,
) -> Interval:
    """Return the percentile bootstrap interval of `mean_auc`, over people: all cases of a person are drawn together.

    Args:
        truth: (N,) numbers of labels.
        probabilities: (N, K).
        persons: Whose the cases are.
        generator: Draws people with replacement.
        resamples: Number of resamples; one with a single label is left out.
        level: Confidence level, between 0 and 1.

    Example:
        >>> truth, scores = np.arange(20) % 2, np.linspace(0, 1, 20)
        >>> found = auc_interval(truth, np.stack([1 - scores, scores], 1), "abcdefghijklmnopqrst",
        ...                      generator=np.random.default_rng(0))
        >>> 0 < found.low < mean_auc(truth, np.stack([1 - scores, scores], 1)) < found.high < 1
        True
    """
    whose = np.unique(np.array(list(persons)), return_inverse=True)[1]
    cases = [np.flatnonzero(whose == person) for person in range(whose.max() + 1)]
    drawn = (
        np.concatenate([cases[person] for person in generator.integers(0, len(cases), len(cases))])
        for _ in range(resamples)
    )
    areas = np.array([mean_auc(truth[some], probabilities[some]) for some in drawn])
    areas = areas[np.isfinite(areas)]
    if len(areas) < 2 or len(cases) < 2:
        return Interval(float("nan"), float("nan"))
    low, high = np.quantile(areas, ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(low), float(high))
