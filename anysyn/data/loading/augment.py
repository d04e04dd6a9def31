"""Augmentation: random, anatomically plausible changes of training samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor

from anysyn.bounds import Share, WholeNumber
from anysyn.ops import spread
from anysyn.registry import register


class Augmentation:
    """A random change of training samples."""

    kind: ClassVar[str] = "augment"

    def __call__(self, images: Tensor, axes: Sequence[int], generator: Generator) -> Tensor:
        """Return changed samples.

        Args:
            images: (B, M, *S).
            axes: For each voxel axis of *S, the axis of the volume: 0 left-right, 1 posterior-anterior, 2
                inferior-superior.
            generator: Draws the changes.
        """
        raise NotImplementedError


@register("augment", "flip")
class Flip(Augmentation):
    """Mirroring of left and right, the same for all modalities of a sample; sagittal slices stay as they are.

    Args:
        probability: Of a sample to be mirrored.

    Example:
        >>> images = torch.arange(3.0).reshape(1, 1, 3, 1)
        >>> Flip(probability=1)(images, (0, 1), torch.Generator()).flatten().tolist()
        [2.0, 1.0, 0.0]
    """

    def __init__(self, *, probability: Share = 0.5) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"augment.probability: {probability} is not from 0 to 1")
        self.probability = probability

    def __call__(self, images: Tensor, axes: Sequence[int], generator: Generator) -> Tensor:
        """Return mirrored and unmirrored samples."""
        if 0 not in axes:
            return images
        chosen = torch.rand(len(images), generator=generator) < self.probability  # (B,)
        return torch.where(spread(chosen, images), images.flip(2 + list(axes).index(0)), images)  # (B, M, *S)


@register("augment", "shift")
class Shift(Augmentation):
    """Translation by whole voxels, the same for all modalities of a sample; the border is repeated.

    Nothing is interpolated, so that noise and fine vessels stay sharp.

    Args:
        most: Largest translation along each axis, in voxels, to either side.

    Example:
        >>> images = torch.arange(4.0).reshape(1, 1, 4, 1)
        >>> Shift(most=2)(images, (0, 1), torch.Generator().manual_seed(1)).flatten().tolist()
        [2.0, 3.0, 3.0, 3.0]
    """

    def __init__(self, *, most: WholeNumber = 4) -> None:
        if most < 0:
            raise ValueError(f"augment.most: {most} voxels is below 0")
        self.most = most

    def __call__(self, images: Tensor, axes: Sequence[int], generator: Generator) -> Tensor:
        """Return translated samples."""
        steps = torch.randint(-self.most, self.most + 1, (len(images), images.ndim - 2), generator=generator)  # (B, d)
        pairs = zip(images, steps.tolist(), strict=True)
        return torch.stack([translated(image, step) for image, step in pairs])  # (B, M, *S)


def translated(image: Tensor, steps: Sequence[int]) -> Tensor:
    """Translate an image (M, *S) by whole voxels towards higher indices along each axis of *S, repeating its border.

    Example:
        >>> translated(torch.tensor([[1, 2, 3]]), [1]).tolist()
        [[1, 1, 2]]
    """
    for axis, step in enumerate(steps, 1):
        length = image.shape[axis]
        image = image.index_select(axis, (torch.arange(length, device=image.device) - step).clamp(0, length - 1))
    return image  # (M, *S)
