"""Thick slices: sources with fewer, thicker slices. The truth stays as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from anysyn.data.geometry.grid import with_spacing
from anysyn.data.geometry.output_grid import Raster
from anysyn.data.geometry.resampling import along, interpolation, smoothing
from anysyn.data.volumes.study import Study
from anysyn.evaluation.errors import EvaluationError


@dataclass(frozen=True)
class Degradation:
    """Coarser sources along one axis: a Gaussian filter, then fewer voxels over the same field of view.

    TUMSyn's evaluation of heterogeneous inputs draws factor and FWHM from 1 to 3.

    Args:
        axis: 0 left-right, 1 posterior-anterior, 2 inferior-superior, as prepared images lie.
        factor: Length of the new voxels in old ones, 1 or more.
        fwhm: Full width at half maximum of the Gaussian along that axis, in old voxels; 0 for none.

    Raises:
        EvaluationError: If a value is out of range.

    Example:
        >>> str(Degradation(axis=2, factor=3, fwhm=2))
        'axis=2,factor=3,fwhm=2'
    """

    axis: int
    factor: float
    fwhm: float = 0.0

    def __post_init__(self) -> None:
        """Check the values."""
        if self.axis not in (0, 1, 2) or not 1 <= self.factor < math.inf or not 0 <= self.fwhm < math.inf:
            raise EvaluationError(f"degrade {self}: axis is 0, 1 or 2, factor from 1 up and fwhm from 0 up")

    def __str__(self) -> str:
        return f"axis={self.axis},factor={self.factor:g},fwhm={self.fwhm:g}"


def parse_degradation(text: str) -> Degradation:
    """Read a degradation from its text.

    Args:
        text: ``"axis=2,factor=3,fwhm=2"``; without ``fwhm`` nothing is filtered.

    Raises:
        EvaluationError: If it cannot be read.

    Example:
        >>> parse_degradation("axis=0, factor=1.5").factor
        1.5
    """
    pairs = [word.partition("=") for word in text.replace(" ", "").split(",")]
    words = {key: value for key, _, value in pairs}
    try:
        values = {key: float(value) for key, value in words.items()}
        if len(words) < len(pairs) or not {"axis", "factor"} <= words.keys() <= {"axis", "factor", "fwhm"}:
            raise ValueError(text)
        axis = int(words["axis"])
    except ValueError:
        raise EvaluationError(f"degrade {text!r} cannot be read; write it as axis=2,factor=3,fwhm=2") from None
    return Degradation(axis=axis, factor=values["factor"], fwhm=values.get("fwhm", 0.0))


def degraded(study: Study, sources: Sequence[str], how: Degradation) -> Study:
    """Return the study of a coarser scan, with its sources alone, on the grid of the coarser voxels.

    A voxel with any foreground is foreground.
    """
    axis, length = how.axis, study.grid.shape[how.axis]
    x, y, z = (edge * how.factor if a == axis else None for a, edge in enumerate(study.grid.spacing))
    onto = with_spacing(study.grid, (x, y, z))
    at = Raster.between(study.grid, onto).axes[axis]  # (n,)
    matrix = interpolation(length, at) @ smoothing(length, how.fwhm / math.sqrt(8 * math.log(2)))
    images = {name: along(study.images[name], {axis: matrix}) for name in sources}
    inside = along(study.foreground.float(), {axis: interpolation(length, at)}) > 0
    known = {name: record for name, record in study.acquisitions.items() if name in sources}
    return replace(study, images=images, affine=onto.affine, foreground=inside, acquisitions=known)


def brought_back(coarse: Study, study: Study) -> dict[str, Tensor]:
    """Interpolate the images of a degraded study linearly onto the grid of the original: (X, Y, Z) by modality."""
    raster = Raster.between(coarse.grid, study.grid)
    changed = [axis for axis in range(3) if not raster.same_along(axis)]
    matrices = {axis: interpolation(raster.within[axis], raster.axes[axis]) for axis in changed}
    return {name: along(image, matrices) for name, image in coarse.images.items()}
