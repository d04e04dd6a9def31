"""Diffusion coefficients: m^2, mm^2 and um^2 per s or ms, brought to 10^-6 mm^2/s."""

from __future__ import annotations

import re

from torch import Tensor

from anysyn.data.errors import VolumeError
from anysyn.data.units.percentiles import percentile
from anysyn.data.units.stated import plain

UNIT = "10^-6 mm^2/s"
LEAST, MOST = 300.0, 30000.0  # 10^-6 mm^2/s of bright voxels; free water has 3000, tissue 500 to 1500
CANDIDATES = {"10^-6 mm^2/s": 1.0, "10^-3 mm^2/s": 1e3, "mm^2/s": 1e6}  # what each is in our unit
SCALED = 1e-3  # a map whose largest value is this close to 1 was scaled to it

_STATED = re.compile(r"(?:1e([+-]?\d+))?(mm|um|m|cm)2/(s|ms)")
_SQUARES = {"m": 1e12, "cm": 1e8, "mm": 1e6, "um": 1.0}  # of a length, in 10^-6 mm^2


def factor_of(unit: str) -> float | None:
    """Return what a unit of diffusion is in 10^-6 mm^2/s; None if it is none.

    Example:
        >>> [factor_of(unit) for unit in ("mm2/s", "10^-3 mm^2/s", "um^2/ms", "1e-6 mm²/s", "HU")]
        [1000000.0, 1000.0, 1000.0, 1.0, None]
    """
    match = _STATED.fullmatch(plain(unit))
    if match is None:
        return None
    power, length, time = match.groups()
    return float(f"{_SQUARES[length] * 10.0 ** int(power or 0) * (1000.0 if time == 'ms' else 1.0):.6g}")


def diffusion_factor(image: Tensor, inside: Tensor, stated: str | None) -> tuple[float, str | None]:
    """Return what brings an ADC map to 10^-6 mm^2/s, and what was assumed.

    The three units in use differ by 1000, and the 98th percentile of the foreground is 1350 to 3300 in the unit
    10^-6 mm^2/s (brains and a prostate), so it tells them apart with a margin of 5 on either side.

    Args:
        image: (X, Y, Z) float32.
        inside: (X, Y, Z) bool, its foreground.
        stated: The unit that its sidecar states, or None.

    Returns:
        The factor, and a line if the unit was concluded from the intensities; None if it was stated.

    Raises:
        VolumeError: If the unit is not one of diffusion, contradicts the intensities, or is unclear.

    Example:
        >>> import torch
        >>> diffusion_factor(torch.tensor([0.7, 0.8, 3.0]), torch.ones(3, dtype=torch.bool), None)
        (1000.0, 'taken for 10^-3 mm^2/s: its sidecar states no Units, and its bright voxels are about 2.91')
    """
    bright = percentile(image[inside], 98)
    if stated is not None:
        return _stated_factor(stated, bright), None
    if float(image[inside].median()) < 0:
        raise VolumeError(
            "most of its foreground is below 0, which no diffusion is; give the map without normalisation"
        )
    fits = [unit for unit, factor in CANDIDATES.items() if LEAST <= bright * factor < MOST]
    if not fits or abs(float(image.max()) - 1) < SCALED:
        raise VolumeError(
            f"its bright voxels are about {bright:g} and its largest is {float(image.max()):g}, which no unit of "
            f'diffusion explains; state it ("Units": "{UNIT}" in the sidecar, units= in Python), or give it as it was'
        )
    why = "its sidecar states no Units, and its bright voxels are about"
    return CANDIDATES[fits[0]], f"taken for {fits[0]}: {why} {bright:.3g}"


def _stated_factor(stated: str, bright: float) -> float:
    factor = factor_of(stated)
    if factor is None:
        raise VolumeError(
            f"its sidecar states Units {stated!r}, which is no unit of diffusion; write one of {', '.join(CANDIDATES)}"
        )
    if not LEAST / 10 <= bright * factor < MOST:
        raise VolumeError(
            f"its sidecar states Units {stated!r}, by which its bright voxels would be {bright * factor:g} {UNIT}, and "
            "water has 3000; correct the sidecar, or remove Units from it"
        )
    return factor
