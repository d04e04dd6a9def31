"""Whole volumes, for networks that read an image at once."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from anysyn.bounds import Count
from anysyn.data.geometry.boxes import Box, Shape, centred, triple
from anysyn.data.views.view import Boxes, FixedBoxes, View
from anysyn.registry import register


@register("view", "whole")
class Whole(View):
    """Whole volumes, for a three-dimensional network.

    Args:
        size: Voxels of a training sample along the three axes, cropped or padded around the centre; by default the
            largest of the cohort along each axis. Synthesis always takes whole volumes.

    Example:
        >>> import torch
        >>> view, inside = Whole(size=(8, 8, 4)), torch.ones(10, 6, 4, dtype=torch.bool)
        >>> view.boxes(inside, inside.sum((1, 2)), view.extent([(10, 6, 4)])).draw(0, torch.Generator())
        Box(start=(1, -1, 0), size=(8, 8, 4))
    """

    dimensions = 3
    axes = (0, 1, 2)

    def __init__(self, *, size: tuple[Count, Count, Count] | None = None) -> None:
        if size is not None and min(size) < 1:
            raise ValueError(f"view.size: {size} is not at least one voxel")
        self.size = size

    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the size of a training sample, by default the largest of the cohort."""
        return triple(self.size or map(max, zip(*shapes, strict=True)))

    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """Return the box around the centre."""
        return FixedBoxes([Box(triple(map(centred, foreground.shape, extent)), extent)])

    def cover(self, shape: Shape, overlap: float, halo: int | None = None) -> list[Box]:
        """Return the volume as one box."""
        return [Box((0, 0, 0), shape)]
