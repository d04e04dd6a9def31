"""Changes of a study that should not change a synthesis: mirrored, or moved by whole voxels, each undone exactly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from anysyn.data.volumes.study import Study


class Perturbation(Protocol):
    """A change of a prepared study, and its inverse for an answer."""

    def apply(self, study: Study) -> Study:
        """Return the changed study."""

    def back(self, image: Tensor) -> Tensor:
        """Return the answer to the changed study, on the grid of the study as it was."""


@dataclass(frozen=True)
class Mirror:
    """Left and right exchanged: a head is nearly symmetric, a network is not.

    Args:
        axis: Of the array that runs from left to right.

    Example:
        >>> import torch
        >>> image = torch.arange(8.0).reshape(2, 2, 2)
        >>> torch.equal(Mirror(0).back(image.flip(0)), image)
        True
    """

    axis: int

    def apply(self, study: Study) -> Study:
        """Return the study with its voxels in the opposite order along the axis; the affine stays."""
        images = {name: image.flip(self.axis) for name, image in study.images.items()}
        return replace(study, images=images, foreground=study.foreground.flip(self.axis))

    def back(self, image: Tensor) -> Tensor:
        """Return the answer mirrored back: (X, Y, Z)."""
        return image.flip(self.axis)  # (X, Y, Z)


@dataclass(frozen=True)
class Shift:
    """The study moved by whole voxels, by air put before its first one, so that nothing is lost.

    Where strides and tiles fall is then another place; a network that is not exactly equivariant answers otherwise.

    Args:
        voxels: How many, along each axis, at least 0.

    Example:
        >>> import torch
        >>> Shift((1, 0, 2)).back(torch.zeros(5, 5, 5)).shape
        torch.Size([4, 5, 3])
    """

    voxels: tuple[int, int, int]

    def apply(self, study: Study) -> Study:
        """Return the study with air before it, and the affine of its new first voxel."""
        x, y, z = self.voxels
        pad = (z, 0, y, 0, x, 0)
        images = {name: F.pad(image, pad, value=study.air(name)) for name, image in study.images.items()}
        affine = study.affine @ np.block([[np.eye(3), -np.array([[x], [y], [z]])], [np.zeros((1, 3)), np.ones((1, 1))]])
        return replace(study, images=images, foreground=F.pad(study.foreground, pad, value=False), affine=affine)

    def back(self, image: Tensor) -> Tensor:
        """Return the answer without the air before it: (X + x, Y + y, Z + z) to (X, Y, Z)."""
        x, y, z = self.voxels
        return image[x:, y:, z:]  # (X, Y, Z)


def perturbations_of(study: Study) -> list[Perturbation]:
    """Return the perturbations of a study: mirrored, moved by one voxel, moved by three.

    An odd number of voxels is no multiple of a stride.

    Example:
        >>> import torch
        >>> from anysyn.data.volumes.study import study_of
        >>> from anysyn.data.volumes.volume import Volume
        >>> turned = np.eye(4)[[1, 0, 2, 3]]
        >>> perturbations_of(study_of({"T1w": Volume(torch.rand(4, 4, 4), turned)}))[0]
        Mirror(axis=1)
    """
    across = int(np.abs(study.affine[0, :3] / study.grid.spacing).argmax())
    return [Mirror(across), Shift((1, 1, 1)), Shift((3, 3, 3))]
