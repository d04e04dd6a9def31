"""Agreement of two measurements of the same cases, such as volumes: Pearson's r and the ICC, with intervals."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from anysyn.evaluation.tables.statistics import Interval


class Agreement(NamedTuple):
    """A coefficient, its interval, and the number of cases that have both values; NaN where it is not defined."""

    value: float
    interval: Interval
    cases: int


NONE = Interval(float("nan"), float("nan"))


def pearson(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Agreement:
    """Return Pearson's correlation, with the interval of Fisher's z.

    ``tanh(atanh(r) ± q / sqrt(n - 3))`` with q the normal quantile.

    Args:
        first: (N,); a case that lacks a finite value is left out.
        second: (N,), the same cases in the same order.
        level: Confidence level, between 0 and 1.

    Returns:
        NaN for fewer than three cases, or if one side is constant; no interval for three cases.

    Raises:
        ValueError: If the lengths differ.

    Example:
        >>> pearson([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 7.0]).value.__round__(3)
        0.99
    """
    values = _both(first, second)  # (n, 2)
    n = len(values)
    if n < 3 or bool((values == values[0]).all(0).any()):
        return Agreement(float("nan"), NONE, n)
    r = float(np.asarray(np.corrcoef(values.T))[0, 1])
    if n == 3 or abs(r) >= 1:
        return Agreement(r, NONE if n == 3 else Interval(r, r), n)
    z, half = math.atanh(r), float(stats.norm.ppf((1 + level) / 2)) / math.sqrt(n - 3)
    return Agreement(r, Interval(math.tanh(z - half), math.tanh(z + half)), n)


def icc(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Agreement:
    """Return the intraclass correlation of single values for absolute agreement, ICC(A,1).

    Arguments and result are those of `pearson`; it is `icc_of` for two columns, defined from two cases on.

    Example:
        >>> icc([1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0]).value.__round__(3)  # a shift counts, unlike in Pearson's r
        0.769
    """
    return icc_of(_both(first, second), level=level)


def icc_of(values: ArrayLike, *, level: float = 0.95) -> Agreement:
    """Return ICC(A,1) of cases and raters, two-way, with its interval (McGraw and Wong, Psychol Methods 1996).

    ``(MSR - MSE) / (MSR + (k - 1) MSE + k (MSC - MSE) / n)``, Shrout and Fleiss's ICC(2,1), with the mean squares of
    cases (R), raters (C) and the rest (E).

    Args:
        values: (N, K): K ratings of N cases, all finite.
        level: Confidence level, between 0 and 1.

    Returns:
        NaN for fewer than two cases, or if nothing varies.

    Example:
        >>> icc_of([[1.0, 1.0], [2.0, 2.0], [3.0, 3.5]]).cases
        3
    """
    table = np.asarray(values, dtype=np.float64)
    n, k = table.shape
    if n < 2 or np.ptp(table) == 0:
        return Agreement(float("nan"), NONE, n)
    rows, columns, rest = _mean_squares(table)
    value = (rows - rest) / (rows + (k - 1) * rest + k * (columns - rest) / n)
    return Agreement(float(value), _interval(rows, columns, rest, (n, k), float(value), level), n)


def _mean_squares(table: NDArray[np.float64]) -> tuple[float, float, float]:
    n, k = table.shape
    mean, rows, columns = table.mean(), table.mean(1), table.mean(0)
    rest = table - rows[:, None] - columns[None] + mean
    squares = ((rows - mean) ** 2).sum() * k / (n - 1), ((columns - mean) ** 2).sum() * n / (k - 1)
    return float(squares[0]), float(squares[1]), float((rest**2).sum() / ((n - 1) * (k - 1)))


def _interval(rows: float, columns: float, rest: float, size: tuple[int, int], value: float, level: float) -> Interval:
    n, k = size
    if rest == 0 and columns == 0:
        return Interval(1.0, 1.0)
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    spread = (a * columns) ** 2 / (k - 1) + (b * rest) ** 2 / ((n - 1) * (k - 1))
    if spread == 0:  # subjects that do not differ at all
        return NONE
    freedom = (a * columns + b * rest) ** 2 / spread
    upper, lower = (float(stats.f.ppf((1 + level) / 2, *df)) for df in ((n - 1, freedom), (freedom, n - 1)))
    common = k * columns + (k * n - k - n) * rest
    low = n * (rows - upper * rest) / (upper * common + n * rows)
    return Interval(low, n * (lower * rows - rest) / (common + n * lower * rows))


def _both(first: ArrayLike, second: ArrayLike) -> NDArray[np.float64]:
    a, b = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if a.shape != b.shape:
        raise ValueError(f"paired values of different lengths, {len(a)} and {len(b)}, are not of the same cases")
    values = np.stack([a, b], axis=1)  # (N, 2)
    return values[np.isfinite(values).all(axis=1)]
