"""Scaled views: the network is shown fewer voxels than its truth has, at a scale drawn for each sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Generator, Tensor

from anysyn.data.geometry.boxes import Box
from anysyn.data.geometry.grid import Shape
from anysyn.data.geometry.resampling import shrunk
from anysyn.data.views.patches import Around, Patches
from anysyn.data.views.slices import Axis, Slices
from anysyn.data.views.view import Boxes, Observed, View
from anysyn.registry import register

Scales = tuple[float, float]


class _Scaled(View):
    """Share what scaled patches and slices have in common: boxes of many sizes, each brought to one."""

    shown: Shape  # voxels of what the network is shown, along X, Y, Z
    scales: Scales
    isotropic: bool
    per_volume: int

    def _show(self, shown: Shape, scales: Scales, isotropic: bool, points: int | None, per_volume: int) -> None:
        low, high = scales
        if not 1 <= low <= high:
            raise ValueError(f"view.scales: {low:g} to {high:g} is no range from 1 up; a scale is fine over coarse")
        fewest = prod(_scaled(shown, (low, low, low)))
        points = prod(shown) if points is None else points
        if not 1 <= points <= fewest:
            raise ValueError(
                f"view.points: {points} is not from 1 to {fewest}, the voxels of the truth at scale {low:g}"
            )
        if per_volume < 1:
            raise ValueError(f"view.per_volume: {per_volume} is not at least 1")
        self.shown, self.scales, self.isotropic, self.points = shown, (low, high), isotropic, points
        self.per_volume = per_volume

    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the voxels that the network is shown, whatever the scale."""
        return self.shown

    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """List as many random boxes as asked for, each with the voxels of the truth at a scale of its own."""
        cumulated = foreground.flatten(1).sum(1).cumsum(0)  # (X,)
        return _AroundAtScale(foreground, cumulated, extent, self.per_volume, self.scales, self.isotropic)

    def observe(self, images: Tensor, generator: Generator) -> Observed:
        """Show the box with fewer voxels, and ask at voxel centres of its own, drawn without replacement.

        Args:
            images: (M, *box).
            generator: Draws the places.
        """
        whole = images.shape[1:]
        size = [self.shown[axis] for axis in self.spatial]
        chosen = torch.randperm(prod(whole), generator=generator)[: self.points]  # (Q,)
        voxels = torch.stack(torch.unravel_index(chosen, whole), 1)  # (Q, d)
        at = (voxels + 0.5) / torch.tensor(whole) * 2 - 1  # (Q, d)
        step = torch.tensor([new / old for new, old in zip(size, whole, strict=True)])  # (d,)
        return Observed(shrunk(images, size), at, step, images.flatten(1)[:, chosen])


@register("view", "scaled_patches")
class ScaledPatches(_Scaled, Patches):
    """Show blocks whose truth has one to several times as many voxels along each axis, known at random points.

    A block is cut about the foreground with ``round(size * s)`` voxels, s drawn evenly and rounded to 0.1, and brought
    to ``size`` voxels with a Gaussian against aliasing: TUMSyn, synthesis network. Synthesis runs in tiles of the
    volume's own voxels.

    Args:
        size: Voxels of what is shown, along the three axes.
        scales: Smallest and largest s.
        isotropic: Whether the three axes share one s; false draws one for each, for thick slices.
        points: Places, voxel centres of the truth, at which a sample is compared; as many as are shown by default.
        per_volume: Blocks drawn from each volume in an epoch.
        tile: Voxels of a block at synthesis; ``size`` times the largest scale by default.
        overlap: At synthesis, the share of a block that its neighbour covers as well; there the two are blended.
        halo: At synthesis, voxels at the ends of a block whose answer is not used, except at the volume's own ends.

    Example:
        >>> view = ScaledPatches(size=(20, 20, 20), points=8000)
        >>> view.size
        (60, 60, 60)
    """

    def __init__(
        self,
        *,
        size: tuple[int, int, int],
        scales: Scales = (1.0, 3.0),
        isotropic: bool = True,
        points: int | None = None,
        per_volume: int = 8,
        tile: tuple[int, int, int] | None = None,
        overlap: float = 0.25,
        halo: int = 0,
    ) -> None:
        x, y, z = size
        self._show((x, y, z), scales, isotropic, points, per_volume)
        largest = _scaled((x, y, z), (scales[1],) * 3)
        super().__init__(size=tile or largest, per_volume=per_volume, overlap=overlap, halo=halo)


@register("view", "scaled_slices")
class ScaledSlices(_Scaled, Slices):
    """Show pieces of slices whose truth has one to several times as many voxels in the plane, known at random points.

    The two-dimensional sibling of ``scaled_patches``. Synthesis takes slices whole, in their own voxels.

    Args:
        size: Voxels of what is shown, along the two axes of the slice.
        axis: Orientation of the slices.
        scales: Smallest and largest ratio of the voxels of the truth to those shown; drawn evenly, rounded to 0.1.
        isotropic: Whether the two axes share one ratio; false draws one for each.
        points: Places, voxel centres of the truth, at which a sample is compared; as many as are shown by default.
        per_volume: Pieces drawn from each volume in an epoch.

    Example:
        >>> view = ScaledSlices(size=(32, 32), points=512)
        >>> view.extent([(100, 120, 90)])
        (32, 32, 1)
    """

    def __init__(
        self,
        *,
        size: tuple[int, int],
        axis: Axis = "axial",
        scales: Scales = (1.0, 3.0),
        isotropic: bool = True,
        points: int | None = None,
        per_volume: int = 32,
    ) -> None:
        super().__init__(axis=axis, size=size)
        self._show(self._sides(1, *size), scales, isotropic, points, per_volume)


@dataclass(frozen=True, eq=False)
class _AroundAtScale(Around):
    """Draw boxes about foreground voxels, each with the voxels of the truth at a scale of its own."""

    scales: Scales
    isotropic: bool

    def draw(self, number: int, generator: Generator) -> Box:
        return self.about(_scaled(self.extent, self._drawn(generator)), generator)

    def _drawn(self, generator: Generator) -> tuple[float, ...]:
        low, high = self.scales
        if low == high:
            return (low,) * 3
        shares = torch.rand(1 if self.isotropic else 3, generator=generator).expand(3).tolist()
        return tuple(min(max(round(low + (high - low) * share, 1), low), high) for share in shares)


def _scaled(size: Shape, scales: Sequence[float]) -> Shape:
    x, y, z = (n if n == 1 else round(n * scale) for n, scale in zip(size, scales, strict=True))
    return x, y, z
