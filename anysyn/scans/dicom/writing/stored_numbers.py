"""Intensities as whole numbers of 16 bits with slope and intercept, and the window in which a viewer shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anysyn.scans.dicom.errors import DicomError

MOST = 32767  # the same number with a sign as without one, for viewers that take it for signed
WHOLE = 1000.0  # an MRI that is at least so bright loses nothing as whole numbers, which is what scanners write
HOUNSFIELD = -1024.0  # intercept of a CT, whose slope is 1
SOFT_TISSUE = (40.0, 400.0)  # centre and width in HU


@dataclass(frozen=True)
class StoredNumbers:
    """What the numbers of a series mean: intensity = slope * number + intercept.

    Args:
        slope: As the decimal string of DICOM has it.
        intercept: So too.
        centre: Of the window, in intensities.
        width: Of the window.
    """

    slope: float
    intercept: float
    centre: float
    width: float

    def of(self, voxels: NDArray[Any]) -> NDArray[np.uint16]:
        """Return intensities as numbers, rounded to the nearest."""
        return np.rint((voxels.astype(np.float64) - self.intercept) / self.slope).clip(0, 65535).astype(np.uint16)

    @property
    def rounding(self) -> float:
        """Return how far a stored intensity is from the true one at most."""
        return self.slope / 2


def stored_numbers(voxels: NDArray[Any], family: str) -> StoredNumbers:
    """Choose slope, intercept and window of an image.

    A CT is stored in whole HU from -1024, and an MRI whose brightest voxel is 1000 to 32,767 in whole numbers, as
    scanners do; some viewers heed no slope in MRI. Of others the range is stored in 32,768 steps, from 0 if nothing is
    below.

    Args:
        voxels: (X, Y, Z), finite.
        family: ``"MRI"``, ``"CT"`` or ``"PET"``.

    Raises:
        DicomError: If a voxel is not finite.

    Example:
        >>> numbers = stored_numbers(np.array([0.0, 0.5, 32.767]), "PET")
        >>> numbers.slope, numbers.of(np.array([0.5004])).tolist(), stored_numbers(np.array([-1000.0, 60]), "CT").slope
        (0.001, [500], 1.0)
    """
    if not np.isfinite(voxels).all():
        raise DicomError("the image has voxels that are not finite, which DICOM cannot hold")
    low, high = float(voxels.min()), float(voxels.max())
    if family == "CT" and low >= HOUNSFIELD and high <= HOUNSFIELD + 65535:
        return StoredNumbers(1.0, HOUNSFIELD, *SOFT_TISSUE)
    intercept = decimal(min(low, 0.0))
    whole = family == "MRI" and intercept == 0 and WHOLE <= high <= MOST
    slope = 1.0 if whole else decimal((high - intercept) / MOST) or 1.0
    shown = voxels[voxels > low]
    dark, bright = np.percentile(shown, [0.5, 99.5]) if shown.size else (low, high)
    centre, width = decimal((dark + bright) / 2), decimal(max(bright - dark, 2 * slope))
    return StoredNumbers(slope, intercept, centre, width)


def decimal(value: float) -> float:
    """Return a number as the 16 letters of a decimal string hold it.

    Example:
        >>> decimal(1 / 3), decimal(-1024.0)
        (0.333333333, -1024.0)
    """
    return float(f"{value:.9g}")
