"""What a synthesized image may hold: finite numbers, in the physical range of its modality, and air around the body."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from anysyn.data.geometry.grid import Grid, resample
from anysyn.data.modalities import Modality, modality
from anysyn.data.prepare import Nonnegative, Pipeline
from anysyn.data.prepare.measured_windows import MUCH_BELOW, share_below_zero
from anysyn.data.volumes.foreground import in_air
from anysyn.data.volumes.study import Study
from anysyn.errors import UserError

ANYTHING = (None, None)
Range = tuple[float | None, float | None]


@dataclass(frozen=True, eq=False)
class PhysicalImage:
    """A synthesized image within the physical range of its modality.

    Args:
        voxels: (X, Y, Z).
        range: Lowest and highest possible value; None is no bound.
        clipped: How many voxels were beyond it.
        air: How many voxels are air, since the sources are air there.
    """

    voxels: Tensor
    range: Range
    clipped: int
    air: int

    def record(self) -> dict[str, Any]:
        """Return the entries of a sidecar."""
        return {"PhysicalRange": list(self.range), "ClippedVoxels": self.clipped, "AirVoxels": self.air}


def physical(image: Tensor, *, bounds: Range, outside: Tensor, air: float) -> PhysicalImage:
    """Set the voxels outside the body to air, and clip the others to a range.

    Args:
        image: (X, Y, Z), finite.
        bounds: Lowest and highest possible value; None is no bound.
        outside: (X, Y, Z) bool, where the sources are air.
        air: Value of air, within the range.

    Example:
        >>> image = torch.tensor([1e-7, -3.0, 5.0]).reshape(3, 1, 1)
        >>> made = physical(image, bounds=(0.0, None), outside=image == 1e-7, air=0.0)
        >>> made.voxels.flatten().tolist(), made.clipped, made.air
        ([0.0, 0.0, 5.0], 1, 1)
    """
    low, high = (end if end is not None else far for end, far in zip(bounds, (-math.inf, math.inf), strict=True))
    beyond = ((image < low) | (image > high)) & ~outside
    voxels = image.clamp(low, high).masked_fill(outside, air)
    return PhysicalImage(voxels, bounds, int(beyond.sum()), int(outside.sum()))


def check_finite(image: Tensor, where: str) -> None:
    """Raise a `UserError` that begins with ``where`` unless all voxels of an answer are finite.

    Example:
        >>> check_finite(torch.tensor([[[float("nan"), 1.0]]]), "sub-01: T2w")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        anysyn.errors.UserError: sub-01: T2w: 1 of 2 voxels of the answer are not finite, and nothing was written; ...
    """
    odd = int((~torch.isfinite(image)).sum())
    if odd:
        raise UserError(
            f"{where}: {odd} of {image.numel()} voxels of the answer are not finite, and nothing was written; "
            "check the sources for extreme voxels, and that the training of this run did not diverge"
        )


def bounds_of(name: str, study: Study, pipeline: Pipeline) -> Range:
    """Return the physical range of a target.

    It is that of the modality table. MRI that was trained on without `nonnegative` may be below 0 by intention, as
    after z-scoring; then it has no bound unless an MRI source lies above 0.

    Args:
        name: Canonical name of the target.
        study: The sources, as they were read.
        pipeline: The preparation of the run.
    """
    known = modality(name)
    checked = any(isinstance(step, Nonnegative) for step in pipeline.steps)
    if checked or not _without_unit(known):
        return known.range
    shares = [share_below_zero(image) for source, image in study.images.items() if _without_unit(modality(source))]
    return known.range if shares and max(shares) <= MUCH_BELOW else ANYTHING


def outside_of(study: Study, onto: Grid | None = None) -> Tensor:
    """Return where all images of a study are air, (X, Y, Z) bool, on its own grid or another.

    A voxel of another grid is air if all voxels that it lies between are; beyond the study there is air.
    """
    air = ~study.foreground
    for name, image in study.images.items():
        air &= in_air(image, modality(name).family)
    if onto is None:
        return air
    return resample((~air).float(), study.grid, onto) == 0


def _without_unit(known: Modality) -> bool:
    return known.unit == "arbitrary"
