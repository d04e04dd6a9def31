"""Scaled views: low-resolution inputs with a high-resolution target, at a scale drawn for each sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import torch
from torch import Generator, Tensor

from anysyn.bounds import Count, Scale, ShareBelowOne, WholeNumber
from anysyn.data.geometry.boxes import Shape, triple
from anysyn.data.geometry.resampling import downsample
from anysyn.data.views.patches import ForegroundBoxes, Patches
from anysyn.data.views.slices import Axis, Slices
from anysyn.data.views.view import Boxes, Observed, View
from anysyn.points import centres
from anysyn.registry import register

Scales = tuple[Scale, Scale]


class _Scaled(View):
    """Base of scaled patches and slices: boxes of many sizes, each downsampled to the same size."""

    input_size: Shape  # voxels of the network's input, along X, Y, Z
    scales: Scales
    isotropic: bool
    per_volume: int

    def _set_scales(self, size: Shape, scales: Scales, isotropic: bool, points: int | None, per_volume: int) -> None:
        low, high = scales
        if not 1 <= low <= high:
            raise ValueError(f"view.scales: {low:g} to {high:g} is no range from 1 up; a scale is fine over coarse")
        fewest = prod(_scaled(size, (low, low, low)))
        points = prod(size) if points is None else points
        if not 1 <= points <= fewest:
            raise ValueError(f"view.points: {points} is not from 1 to {fewest}, the target's voxels at scale {low:g}")
        if per_volume < 1:
            raise ValueError(f"view.per_volume: {per_volume} is not at least 1")
        self.input_size, self.scales, self.isotropic, self.points = size, (low, high), isotropic, points
        self.per_volume = per_volume

    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the size of the network's input, which is the same at any scale."""
        return self.input_size

    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """Return ``per_volume`` random boxes, each of the size of the target at its own scale."""
        cumulated = foreground.flatten(1).sum(1).cumsum(0)  # (X,)
        return _ScaledBoxes(foreground, cumulated, extent, self.per_volume, self.scales, self.isotropic)

    def observe(self, images: Tensor, generator: Generator) -> Observed:
        """Downsample the box, with the original at some of its voxel centres, drawn without replacement, as target."""
        box = images.shape[1:]
        size = [self.input_size[axis] for axis in self.spatial]
        chosen = torch.randperm(prod(box), generator=generator, dtype=torch.int32)[: self.points]  # (Q,)
        voxels = np.unravel_index(chosen.numpy(), box)
        axes = (centres(n)[torch.from_numpy(voxel)] for n, voxel in zip(box, voxels, strict=True))
        at = torch.stack([*axes], 1)  # (Q, d)
        step = torch.tensor([new / old for new, old in zip(size, box, strict=True)])  # (d,)
        return Observed(downsample(images, size), at, step, images.flatten(1).index_select(1, chosen))


@register("view", "scaled_patches")
class ScaledPatches(_Scaled, Patches):
    """Low-resolution patches with a high-resolution target at random points.

    As for TUMSyn's synthesis network: a patch of ``round(size * s)`` voxels is cut around the foreground, with s
    uniform and rounded to 0.1, and downsampled to ``size`` voxels with a Gaussian against aliasing. Synthesis runs in
    tiles at the volume's own resolution.

    Args:
        size: Voxels of the network's input, along the three axes.
        scales: Smallest and largest s.
        isotropic: Whether the three axes have the same s; false draws one for each, for thick slices.
        points: Voxel centres of the target at which a sample is compared; by default as many as the input has voxels.
        per_volume: Patches drawn from each volume in an epoch.
        tile: Voxels of a patch at synthesis; ``size`` times the largest scale by default.
        overlap: At synthesis, the share of a patch that its neighbour covers as well, where the two are blended.
        halo: At synthesis, voxels at the ends of a patch whose output is discarded, except at the volume's own ends.

    Example:
        >>> view = ScaledPatches(size=(20, 20, 20), points=8000)
        >>> view.size
        (60, 60, 60)
    """

    def __init__(
        self,
        *,
        size: tuple[Count, Count, Count],
        scales: Scales = (1.0, 3.0),
        isotropic: bool = True,
        points: Count | None = None,
        per_volume: Count = 8,
        tile: tuple[Count, Count, Count] | None = None,
        overlap: ShareBelowOne = 0.25,
        halo: WholeNumber = 0,
    ) -> None:
        self._set_scales(triple(size), scales, isotropic, points, per_volume)
        largest = _scaled(triple(size), (scales[1],) * 3)
        super().__init__(size=tile or largest, per_volume=per_volume, overlap=overlap, halo=halo)


@register("view", "scaled_slices")
class ScaledSlices(_Scaled, Slices):
    """Low-resolution crops of slices with a high-resolution target at random points.

    Like ``scaled_patches``, in two dimensions. Synthesis takes whole slices at their own resolution.

    Args:
        size: Voxels of the network's input, along the two axes of the slice.
        axis: Orientation of the slices.
        scales: Smallest and largest ratio of target to input voxels along an axis; uniform, rounded to 0.1.
        isotropic: Whether the two axes have the same ratio; false draws one for each.
        points: Voxel centres of the target at which a sample is compared; by default as many as the input has voxels.
        per_volume: Crops drawn from each volume in an epoch.

    Example:
        >>> view = ScaledSlices(size=(32, 32), points=512)
        >>> view.extent([(100, 120, 90)])
        (32, 32, 1)
    """

    def __init__(
        self,
        *,
        size: tuple[Count, Count],
        axis: Axis = "axial",
        scales: Scales = (1.0, 3.0),
        isotropic: bool = True,
        points: Count | None = None,
        per_volume: Count = 32,
    ) -> None:
        super().__init__(axis=axis, size=size)
        self._set_scales(self._sides(1, *size), scales, isotropic, points, per_volume)


@dataclass(frozen=True, eq=False)
class _ScaledBoxes(ForegroundBoxes):
    """Random boxes around foreground voxels, each of the size of the target at its own scale."""

    scales: Scales
    isotropic: bool

    def _size(self, generator: Generator) -> Shape:
        low, high = self.scales
        if low == high:
            return _scaled(self.extent, (low,) * 3)
        shares = torch.rand(1 if self.isotropic else 3, generator=generator).expand(3).tolist()
        return _scaled(self.extent, [min(max(round(low + (high - low) * share, 1), low), high) for share in shares])


def _scaled(size: Shape, scales: Sequence[float]) -> Shape:
    return triple(n if n == 1 else round(n * scale) for n, scale in zip(size, scales, strict=True))
