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
        block: Voxels along each side of a block of which the network reads the mean; only in the view of a stage, for a
            network that begins by such means, as ``clip_3d``: done once, where the volume is stored, it is the same and
            takes a fraction of the time and memory. Spacing and prompts stay those of the volume.

    Example:
        >>> import torch
        >>> view, inside = Whole(size=(8, 8, 4)), torch.ones(10, 6, 4, dtype=torch.bool)
        >>> view.boxes(inside, inside.sum((1, 2)), view.extent([(10, 6, 4)])).draw(0, torch.Generator())
        Box(start=(1, -1, 0), size=(8, 8, 4))
    """

    dimensions = 3
    axes = (0, 1, 2)

    def __init__(self, *, size: tuple[Count, Count, Count] | None = None, block: Count = 1) -> None:
        if size is not None and min(size) < 1:
            raise ValueError(f"view.size: {size} is not at least one voxel")
        if block < 1 or any(length % block for length in size or ()):
            raise ValueError(f"view.block: {block} does not divide {size}; choose a size that whole blocks fill")
        self.size, self.block = size, block

    def extent(self, shapes: Sequence[Shape]) -> Shape:
        """Return the size of a training sample, by default the largest of the cohort."""
        largest = self.size or map(max, zip(*shapes, strict=True))
        return triple(self.block * -(-length // self.block) for length in largest)

    def only_box(self, shape: Shape, extent: Shape) -> Box | None:
        """Return the box around the centre."""
        return Box(triple(map(centred, shape, extent)), extent)

    def boxes(self, foreground: Tensor, profile: Tensor, extent: Shape) -> Boxes:
        """Return the box around the centre."""
        return FixedBoxes([Box(triple(map(centred, triple(foreground.shape), extent)), extent)])

    def cover(self, shape: Shape, overlap: float, halo: int | None = None) -> list[Box]:
        """Return the volume as one box."""
        return [Box((0, 0, 0), shape)]
