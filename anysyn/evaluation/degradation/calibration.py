"""Calibration: the level of a corruption at which the user's images have a given input PSNR."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

from scipy.optimize import brentq

from anysyn.data.volumes.study import Study
from anysyn.evaluation.degradation.corruptions import Corruption, corrupted, input_psnr, kind_of
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.tables.statistics import Spread, summary

TOLERANCE = 0.3  # dB that the mean may differ
NEAR = 0.03  # dB at which the search ends
FINE = 0.002  # relative precision of the level
NOTHING = 200.0  # dB of an image that did not change


class Calibrated(NamedTuple):
    """A corruption at its calibrated level, with the wanted and the reached input PSNR."""

    corruption: Corruption
    wanted: float
    reached: Spread


def calibrate(
    name: str,
    wanted: float,
    scans: Sequence[tuple[Study, str]],
    *,
    seed: int = 0,
    tolerance: float = TOLERANCE,
) -> Calibrated:
    """Find the level of a corruption at which the mean input PSNR is as wanted.

    Brent's method on the logarithm of the level, the same draws at every level.

    Args:
        name: Name of a registered corruption.
        wanted: Input PSNR in dB, as `input_psnr` measures it.
        scans: Studies, each with the modality that is corrupted.
        seed: Seed of the corruption, as in the evaluation.
        tolerance: Largest difference from the wanted PSNR in dB.

    Raises:
        EvaluationError: If there are no scans, or no level is within the tolerance.
        ValueError: If an image is constant.
    """
    if not scans:
        raise EvaluationError("there is no scan to calibrate on")
    kind = kind_of(name)

    @cache
    def psnr_at(level: float) -> Spread:
        how = kind(level=level)
        return summary([_psnr(study, modality, how, seed) for study, modality in scans])

    def excess(logarithm: float) -> float:
        gap = psnr_at(math.exp(logarithm)).mean - wanted
        return 0.0 if abs(gap) < NEAR else gap

    low, high = (math.log(end * (1 + sign * 1e-9)) for end, sign in zip(kind.bounds, (1, -1), strict=True))
    level = math.exp(_root(excess, low, high))
    reached = psnr_at(level)
    if abs(reached.mean - wanted) > tolerance:
        span = f"it is from {psnr_at(math.exp(high)).mean:.2f} to {psnr_at(math.exp(low)).mean:.2f} dB on these images"
        raise EvaluationError(f"{name}: no level has an input PSNR of {wanted:g} dB; {span}")
    return Calibrated(kind(level=level), wanted, reached)


def _psnr(study: Study, modality: str, how: Corruption, seed: int) -> float:
    shown = corrupted(study, [modality], how, seed=seed).images[modality]
    return min(input_psnr(shown, study.images[modality], study.foreground), NOTHING)


def _root(excess: Callable[[float], float], low: float, high: float) -> float:
    """Return the zero of a falling function; if there is none, the end where it is nearer to zero."""
    ends = {low: excess(low), high: excess(high)}
    if not ends[low] > 0 > ends[high]:
        return min(ends, key=lambda end: abs(ends[end]))
    return float(brentq(excess, low, high, xtol=FINE))
