"""The levels of a registration: a scan at several voxel sizes, its intensities within what its head shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anysyn.data.geometry.grid import Grid, resample, with_spacing
from anysyn.data.geometry.itk_resampling import itk_image
from anysyn.data.volumes.foreground import foreground

BRIGHTEST = 99.5  # percentile of the foreground; what is brighter, such as vessels, would widen the histogram's bins


class Level(NamedTuple):
    """A scan at one voxel size.

    Args:
        image: (X, Y, Z) float32, clipped.
        grid: Of the image.
        inside: (X, Y, Z) bool, its foreground.
    """

    image: Tensor
    grid: Grid
    inside: Tensor

    def itk(self) -> object:
        """Return the image as ITK's."""
        return itk_image(self.image.numpy(), self.grid.affine)

    def points(self, most: int = 2000) -> NDArray[np.float64]:
        """Return at most so many places of the foreground, (N, 3) in mm, evenly taken from all of it."""
        voxels = self.inside.nonzero().double().numpy()  # (N, 3)
        chosen = voxels[:: max(1, len(voxels) // most)]
        return np.asarray(chosen @ self.grid.affine[:3, :3].T + self.grid.affine[:3, 3])


def levels_of(image: Tensor, grid: Grid, edges: Sequence[float], family: str = "MRI") -> list[Level]:
    """Resample a scan to isotropic voxels of several sizes; negative values and the brightest are clipped.

    Args:
        image: (X, Y, Z) float32, with more than one value.
        grid: Of the image.
        edges: Voxel sizes in mm, the coarsest first.
        family: ``"MRI"``, ``"CT"`` or ``"PET"``.

    Example:
        >>> coarse, fine = levels_of(torch.rand(32, 32, 8), Grid((32, 32, 8), np.diag([1.0, 1, 4, 1])), [8.0, 4.0])
        >>> tuple(coarse.image.shape), tuple(fine.image.shape)
        ((4, 4, 4), (8, 8, 8))
    """
    inside = foreground(image, family)
    low, high = np.percentile(image[inside].numpy(), [100 - BRIGHTEST, BRIGHTEST])
    clipped = image.clamp(float(min(low, float(image[~inside].median()) if (~inside).any() else low)), float(high))
    levels = []
    for edge in edges:
        onto = with_spacing(grid, (edge, edge, edge))
        here = resample(inside.float(), grid, onto) > 0.5
        levels.append(Level(resample(clipped, grid, onto, background=float(clipped.min())), onto, here))
    return levels


def centre_of(level: Level) -> NDArray[np.float64]:
    """Return the centre of mass of the foreground in mm, (3,).

    Example:
        >>> box = torch.zeros(5, 5, 5, dtype=torch.bool)
        >>> box[1:4, 1:4, 2] = True
        >>> centre_of(Level(box.float(), Grid((5, 5, 5), np.eye(4)), box)).tolist()
        [2.0, 2.0, 2.0]
    """
    return np.asarray(level.points(most=10**9).mean(0))


def middle_of(grid: Grid) -> NDArray[np.float64]:
    """Return the middle of a grid in mm, (3,).

    Example:
        >>> middle_of(Grid((3, 3, 5), np.eye(4))).tolist()
        [1.0, 1.0, 2.0]
    """
    voxel = (np.array(grid.shape) - 1) / 2
    return np.asarray(grid.affine[:3, :3] @ voxel + grid.affine[:3, 3])


def blank(level: Level) -> bool:
    """Tell whether a level shows nothing: it has no foreground, or one value.

    Example:
        >>> blank(Level(torch.zeros(2, 2, 2), Grid((2, 2, 2), np.eye(4)), torch.ones(2, 2, 2, dtype=torch.bool)))
        True
    """
    return not bool(level.inside.any()) or bool(torch.equal(level.image.min(), level.image.max()))
