"""Statistics over cases: spread, bootstrap intervals, paired tests against the best row, agreement of two orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

TEST = "two-sided Wilcoxon signed-rank test, paired over cases, against the best row, corrected by Holm"


class Spread(NamedTuple):
    """Mean and standard deviation over cases (N - 1; NaN for one case)."""

    mean: float
    sd: float


class Interval(NamedTuple):
    """A confidence interval; both ends are NaN if there is none."""

    low: float
    high: float


def finite(values: ArrayLike) -> NDArray[np.float64]:
    """Return the finite ones of values (N,), without missing ones and the infinite PSNR of identical images.

    Example:
        >>> finite([30.0, float("inf"), float("nan")]).tolist()
        [30.0]
    """
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[np.isfinite(numbers)]


def summary(values: ArrayLike) -> Spread:
    """Return mean and standard deviation of the cases (N,) with a finite value.

    Both are NaN if no case has one; the mean is infinite if all cases are.

    Example:
        >>> summary([30.0, 32.0, float("inf")])
        Spread(mean=31.0, sd=1.4142135623730951)
    """
    numbers, usable = np.asarray(values, dtype=np.float64), finite(values)
    if not len(usable):
        return Spread(float(numbers[0]) if len(numbers) and np.isinf(numbers).all() else float("nan"), float("nan"))
    return Spread(float(usable.mean()), float(usable.std(ddof=1)) if len(usable) > 1 else float("nan"))


def bootstrap_interval(
    values: ArrayLike,
    *,
    generator: np.random.Generator,
    resamples: int = 1000,
    share: float = 1.0,
    level: float = 0.95,
) -> Interval:
    """Return the percentile bootstrap interval of the mean over cases (Efron, Ann Statist 1979).

    TUMSyn's is ``resamples=100, share=0.7``: "bootstrapped 100 times, each with 70% of the data".

    Args:
        values: (N,), one for each case; values that are not finite are left out.
        generator: Draws cases with replacement.
        resamples: Number of resamples.
        share: Size of a resample, as a share of the cases.
        level: Confidence level, between 0 and 1.

    Returns:
        NaN if fewer than two cases have a value.

    Example:
        >>> low, high = bootstrap_interval([1.0, 2.0, 3.0, 4.0], generator=np.random.default_rng(0))
        >>> 1.0 <= low < 2.5 < high <= 4.0
        True
    """
    numbers = finite(values)
    if len(numbers) < 2:
        return Interval(float("nan"), float("nan"))
    drawn = generator.choice(numbers, (resamples, max(1, round(share * len(numbers)))))  # (resamples, n)
    low, high = np.quantile(drawn.mean(1), ((1 - level) / 2, (1 + level) / 2))
    return Interval(float(low), float(high))


def holm(p: Sequence[float]) -> list[float]:
    """Return p values corrected for their number by Holm's step-down method (Scand J Stat 1979).

    The i-th smallest of m becomes the largest of ``(m - j + 1) p_j`` over ``j <= i``, at most 1.

    Args:
        p: Uncorrected p values, each from 0 to 1; NaN for no test.

    Returns:
        The corrected values in the same order; NaN stays NaN.

    Example:
        >>> holm([0.01, 0.04, 0.03, float("nan")])
        [0.03, 0.06, 0.06, nan]
    """
    raw = np.asarray(p, dtype=np.float64)
    order = np.argsort(raw)[: int(np.isfinite(raw).sum())]  # NaN is sorted last
    corrected = np.full(len(raw), np.nan)
    left = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(left * raw[order]), 1.0)
    return [float(value) for value in corrected]


def paired_test(first: ArrayLike, second: ArrayLike) -> float:
    """Return the p value of the two-sided Wilcoxon signed-rank test over cases.

    Args:
        first: (N,).
        second: (N,), the same cases in the same order. A case that lacks a value is left out; two infinite
            values are equal.

    Returns:
        1 if no case differs, NaN if fewer than two cases have both values.

    Raises:
        ValueError: If the lengths differ.

    Example:
        >>> paired_test([1.0, 2.0, 3.0, 4.0, 5.0], [0.5, 1.0, 1.5, 2.0, 2.5])
        0.0625
    """
    a, b = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if a.shape != b.shape:
        raise ValueError(f"paired values of different lengths, {len(a)} and {len(b)}, are not of the same cases")
    known = ~(np.isnan(a) | np.isnan(b))
    a, b = a[known], b[known]
    differences = np.subtract(a, b, out=np.zeros_like(a), where=a != b)  # two infinite values do not differ
    if len(differences) < 2:
        return float("nan")
    return float(stats.wilcoxon(differences).pvalue) if differences.any() else 1.0


def best_row(by_row: Mapping[str, ArrayLike], *, higher_is_better: bool) -> str:
    """Return the name of the row with the best mean, among those with the most cases.

    Args:
        by_row: (N,) each, NaN if a row lacks the case.
        higher_is_better: The direction of the metric.

    Raises:
        ValueError: If no row has a value.

    Example:
        >>> best_row({"unet": [30.0, 31.0], "copy": [35.0, float("nan")]}, higher_is_better=True)
        'unet'
    """
    counts = {row: int((~np.isnan(np.asarray(values, dtype=np.float64))).sum()) for row, values in by_row.items()}
    most = max(counts.values(), default=0)
    if not most:
        raise ValueError(f"none of the rows ({', '.join(by_row) or 'there are none'}) has a value")
    means = {row: summary(by_row[row]).mean for row, count in counts.items() if count == most}
    return (max if higher_is_better else min)(means, key=means.__getitem__)


def against_best(by_row: Mapping[str, ArrayLike], *, higher_is_better: bool) -> dict[str, float]:
    """Return the p value of every row against the best, by `TEST`.

    Args:
        by_row: (N,) each: the values of the same cases in the same order, NaN if a row lacks the case.
        higher_is_better: The direction of the metric.

    Returns:
        By row, its corrected p value; NaN for the best row, and if there is nothing to test.

    Raises:
        ValueError: If the lengths differ, or no row has a value.

    Example:
        >>> values = {"ours": [5.0, 6.0, 7.0, 8.0, 9.5], "unet": [4.0, 4.5, 5.0, 5.5, 6.0], "copy": [1.0] * 5}
        >>> against_best(values, higher_is_better=True)
        {'ours': nan, 'unet': 0.125, 'copy': 0.125}
    """
    best = best_row(by_row, higher_is_better=higher_is_better)
    p = [float("nan") if row == best else paired_test(by_row[best], values) for row, values in by_row.items()]
    return dict(zip(by_row, holm(p), strict=True))


def rank_agreement(ours: Mapping[str, float], papers: Mapping[str, float]) -> float:
    """Return the agreement of two orders of the same methods, Kendall's tau-b (Biometrika 1945).

    1 for the same order, -1 for the reverse; ties are accounted for.

    Args:
        ours: By row, the value of a metric.
        papers: By row, the value of the same metric. Rows of one side alone are left out.

    Returns:
        NaN if fewer than two rows have both values, or all values of a side are equal.

    Example:
        >>> rank_agreement({"a": 30.0, "b": 28.0, "c": 27.0}, {"a": 25.0, "b": 21.0, "c": 22.0, "d": 20.0}).__round__(3)
        0.333
    """
    shared = [row for row in ours if row in papers and not (np.isnan(ours[row]) or np.isnan(papers[row]))]
    values = [[side[row] for row in shared] for side in (ours, papers)]
    if len(shared) < 2 or any(len(set(side)) < 2 for side in values):
        return float("nan")
    return float(stats.kendalltau(*values).statistic)
