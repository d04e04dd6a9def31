"""Agreement of measurements of the same subjects: intraclass and Pearson correlation."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Form = Literal["agreement", "consistency"]


class Estimate(NamedTuple):
    """A coefficient and its confidence interval."""

    value: float
    low: float
    high: float


def intraclass_correlation(ratings: ArrayLike, *, form: Form = "agreement", level: float = 0.95) -> Estimate:
    """Return the intraclass correlation of single measurements (Shrout and Fleiss, Psychol Bull 1979).

    With the mean squares of a two-way layout, of N subjects (R), K raters (C) and the rest (E):
    ``agreement`` is ICC(2,1) ``(R - E) / (R + (K - 1) E + K (C - E) / N)``, which a systematic difference between the
    raters lowers; ``consistency`` is ICC(3,1) ``(R - E) / (R + (K - 1) E)``, which ignores it. The intervals are those
    of McGraw and Wong (Psychol Methods 1996, Table 7).

    Args:
        ratings: (N, K): N subjects, each measured in K ways, for example on the real and on the synthesized image.
        form: ``agreement`` or ``consistency``.
        level: Confidence level, between 0 and 1.

    Returns:
        NaN for all three if all ratings are equal.

    Raises:
        ValueError: If there are not at least two subjects and two ways, or a value is missing.

    Example:
        >>> intraclass_correlation([[9, 2], [6, 1], [8, 4], [7, 1]], form="consistency").value.__round__(3)
        0.545
    """
    x = np.asarray(ratings, dtype=np.float64)
    if x.ndim != 2 or min(x.shape) < 2 or not np.isfinite(x).all():
        raise ValueError(f"ratings of shape {x.shape}: at least 2 subjects, 2 ways and no missing value are needed")
    (n, k), (rows, columns, rest) = x.shape, _mean_squares(x)
    if rows == columns == rest == 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    if form == "agreement":
        return _agreement(rows, columns, rest, n, k, level)
    return _consistency(rows, rest, n, k, level)


def _mean_squares(x: NDArray[np.float64]) -> tuple[float, float, float]:
    n, k = x.shape
    of_rows, of_columns = x.mean(1, keepdims=True), x.mean(0, keepdims=True)  # (N, 1), (1, K)
    rows = k * np.square(of_rows - x.mean()).sum() / (n - 1)
    columns = n * np.square(of_columns - x.mean()).sum() / (k - 1)
    rest = np.square(x - of_rows - of_columns + x.mean()).sum() / ((n - 1) * (k - 1))
    return float(rows), float(columns), float(rest)


def _consistency(rows: float, rest: float, n: int, k: int, level: float) -> Estimate:
    if rest == 0:
        return Estimate(1.0, 1.0, 1.0)
    degrees, tail = (n - 1, (n - 1) * (k - 1)), (1 + level) / 2
    ratio = rows / rest
    low, high = ratio / stats.f.ppf(tail, *degrees), ratio * stats.f.ppf(tail, *degrees[::-1])
    value, *ends = ((f - 1) / (f + k - 1) for f in (ratio, low, high))
    return Estimate(float(value), float(ends[0]), float(ends[1]))


def _agreement(rows: float, columns: float, rest: float, n: int, k: int, level: float) -> Estimate:
    value = (rows - rest) / (rows + (k - 1) * rest + k * (columns - rest) / n)
    if value == 1:
        return Estimate(1.0, 1.0, 1.0)
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    parts = (a * columns) ** 2 / (k - 1), (b * rest) ** 2 / ((n - 1) * (k - 1))
    v, tail = (a * columns + b * rest) ** 2 / sum(parts), (1 + level) / 2
    up, down = stats.f.ppf(tail, n - 1, v), stats.f.ppf(tail, v, n - 1)
    both = k * columns + (k * n - k - n) * rest
    low = n * (rows - up * rest) / (up * both + n * rows)
    high = n * (down * rows - rest) / (both + n * down * rows)
    return Estimate(float(value), float(low), float(high))


def pearson(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Estimate:
    """Return Pearson's correlation with the interval of Fisher's transform.

    Args:
        first: (N,).
        second: (N,).
        level: Confidence level, between 0 and 1.

    Returns:
        NaN if a side is constant; the interval is NaN for fewer than four subjects, for which there is none.

    Raises:
        ValueError: If the lengths differ or are below two, or a value is missing.

    Example:
        >>> pearson([1.0, 2.0, 3.0, 5.0], [1.0, 2.5, 2.5, 5.0]).value.__round__(3)
        0.971
    """
    a, b = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if a.shape != b.shape or len(a) < 2 or not np.isfinite([*a, *b]).all():
        raise ValueError(f"{len(a)} and {len(b)} values: at least two pairs and no missing value are needed")
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return Estimate(float("nan"), float("nan"), float("nan"))
    result = stats.pearsonr(a, b)
    if len(a) < 4:
        return Estimate(float(result.statistic), float("nan"), float("nan"))
    ends = result.confidence_interval(level)
    return Estimate(float(result.statistic), float(ends.low), float(ends.high))
