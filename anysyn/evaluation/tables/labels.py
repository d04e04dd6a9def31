"""Precision, recall and F1 of labels, of which a case may have several."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from anysyn.evaluation.tables.statistics import Interval

Labels = Collection[str]
MACRO, MICRO = "macro-average", "micro-average"


class Scores(NamedTuple):
    """Precision, recall and F1; a quotient of nothing is 0, as in scikit-learn."""

    precision: float
    recall: float
    f1: float


def scores(true_positives: float, false_positives: float, false_negatives: float) -> Scores:
    """Return precision, recall and F1 of counts.

    Args:
        true_positives: At least 0.
        false_positives: At least 0.
        false_negatives: At least 0.

    Example:
        >>> scores(3, 1, 0)
        Scores(precision=0.75, recall=1.0, f1=0.8571428571428571)
    """

    def quotient(part: float, whole: float) -> float:
        return part / whole if whole else 0.0

    return Scores(
        quotient(true_positives, true_positives + false_positives),
        quotient(true_positives, true_positives + false_negatives),
        quotient(2 * true_positives, 2 * true_positives + false_positives + false_negatives),
    )


def label_scores(truth: Sequence[Labels], found: Sequence[Labels]) -> dict[str, Scores]:
    """Return the scores of each label, in alphabetical order, and their two averages (PMM-Synth, Table 4).

    The macro-average is the mean over labels that the truth or an answer has, the micro-average that of all their
    counts together.

    Args:
        truth: The labels of each case.
        found: The labels that it was given.

    Raises:
        ValueError: If the lengths differ.

    Example:
        >>> result = label_scores([{"a"}, {"a", "b"}], [{"a"}, {"b"}])
        >>> [result[name].f1.__round__(3) for name in ("a", "b", "macro-average", "micro-average")]
        [0.667, 1.0, 0.833, 0.8]
    """
    if len(truth) != len(found):
        raise ValueError(f"labels of {len(truth)} and {len(found)} cases are not of the same cases")
    names = sorted({name for labels in (*truth, *found) for name in labels})
    counts = {name: _counts(name, truth, found) for name in names}
    each = {name: scores(*count) for name, count in counts.items()}
    total = [sum(count[i] for count in counts.values()) for i in range(3)]
    macro = Scores(*(float(np.mean([one[i] for one in each.values()])) if each else 0.0 for i in range(3)))
    return {**each, MACRO: macro, MICRO: scores(*total)}


def f1_interval(
    truth: Sequence[Labels],
    found: Sequence[Labels],
    name: str,
    *,
    generator: np.random.Generator,
    resamples: int = 1000,
    share: float = 1.0,
    level: float = 0.95,
) -> Interval:
    """Return the percentile bootstrap interval of the F1 of a label, over cases.

    TUMSyn's is ``resamples=100, share=0.7``.

    Args:
        truth: The labels of each case.
        found: The labels that it was given, in the same order.
        name: The label.
        generator: Draws cases with replacement.
        resamples: Number of resamples.
        share: Size of a resample, as a share of the cases.
        level: Confidence level, between 0 and 1.

    Returns:
        NaN for fewer than two cases.

    Example:
        >>> low, high = f1_interval([{"0"}, {"1"}] * 9, [{"0"}, {"0"}] * 9, "0", generator=np.random.default_rng(0))
        >>> 0.3 < low < 2 / 3 < high < 1
        True
    """
    n = len(truth)
    if n < 2:
        return Interval(float("nan"), float("nan"))
    had, given = (np.array([name in labels for labels in side]) for side in (truth, found))  # (N,)
    drawn = generator.integers(0, n, (resamples, max(1, round(share * n))))  # (resamples, n)
    both, either = (had & given)[drawn].sum(1), had[drawn].sum(1) + given[drawn].sum(1)
    values = np.divide(2.0 * both, either, out=np.zeros(resamples), where=either > 0)
    low, high = np.quantile(values, ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(low), float(high))


def _counts(name: str, truth: Sequence[Labels], found: Sequence[Labels]) -> tuple[int, int, int]:
    pairs = [(name in had, name in given) for had, given in zip(truth, found, strict=True)]
    return pairs.count((True, True)), pairs.count((False, True)), pairs.count((True, False))
