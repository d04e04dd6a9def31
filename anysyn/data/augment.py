"""Augmentation: random changes of training samples that leave them plausible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Generator, Tensor

from anysyn.ops import spread
from anysyn.registry import register


class Augmentation:
    """Change training samples at random."""

    kind: ClassVar[str] = "augment"

    def __call__(self, images: Tensor, axes: Sequence[int], generator: Generator) -> Tensor:
        """Return changed samples.

        Args:
            images: (B, M, *S).
            axes: For each voxel axis of *S, the axis of the volume: 0 left-right, 1 posterior-anterior, 2
                inferior-superior.
            generator: Decides.

        Returns:
            (B, M, *S).
        """
        raise NotImplementedError


@register("augment", "flip")
class Flip(Augmentation):
    """Mirror left and right, all modalities of a sample alike; sagittal slices stay as they are.

    Args:
        probability: Share of the samples that is mirrored.

    Example:
        >>> images = torch.arange(3.0).reshape(1, 1, 3, 1)
        >>> Flip(probability=1)(images, (0, 1), torch.Generator()).flatten().tolist()
        [2.0, 1.0, 0.0]
    """

    def __init__(self, *, probability: float = 0.5) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"augment.probability: {probability} is not from 0 to 1")
        self.probability = probability

    def __call__(self, images: Tensor, axes: Sequence[int], generator: Generator) -> Tensor:
        """Return mirrored and unmirrored samples."""
        if 0 not in axes:
            return images
        chosen = torch.rand(len(images), generator=generator) < self.probability  # (B,)
        return torch.where(spread(chosen, images), images.flip(2 + list(axes).index(0)), images)  # (B, M, *S)
