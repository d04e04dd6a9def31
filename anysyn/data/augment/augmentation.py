"""The contract of an augmentation: a random, plausible change of training samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from torch import Generator, Tensor


class Augmentation:
    """A random change of training samples."""

    kind: ClassVar[str] = "augment"

    def __call__(self, images: Tensor, axes: Sequence[int], generator: Generator) -> Tensor:
        """Return changed samples.

        Args:
            images: (B, M, *S), their air at 0.
            axes: For each voxel axis of *S, the axis of the volume: 0 left-right, 1 posterior-anterior, 2
                inferior-superior.
            generator: Draws the changes.
        """
        raise NotImplementedError
