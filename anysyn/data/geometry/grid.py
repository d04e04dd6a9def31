"""Voxel grids: their comparison, and resampling an image from one to another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from anysyn.bounds import Positive
from anysyn.data.errors import VolumeError
from anysyn.data.geometry.boxes import Shape, triple
from anysyn.data.geometry.itk_resampling import blurring, resampled, spaced
from anysyn.data.memory import check_memory

Spacing = tuple[Positive | None, Positive | None, Positive | None]
Interpolation = Literal["linear", "bspline"]

TOLERANCE_MM = 1e-3
MOST_VOXELS = 2**30  # 4 GiB for one image
FINER = 1000  # new voxels for each old one, unless these are few
FEW = 2**24
MOST_PRODUCTS = 2e11  # multiplications of a Gaussian that take minutes


class Grid(NamedTuple):
    """A voxel grid: the shape (X, Y, Z), and the affine (4, 4) from voxel to world in mm, RAS+."""

    shape: Shape
    affine: NDArray[np.float64]

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Return the voxel edge lengths in mm."""
        return triple(np.linalg.norm(self.affine[:3, :3], axis=0).tolist())

    @property
    def voxel_size(self) -> tuple[float, float, float]:
        """Return the voxel edge lengths in mm, rounded to a tenth of a micrometre as in acquisition records."""
        return triple(round(edge, 4) for edge in self.spacing)

    @property
    def recorded_size(self) -> tuple[float, float, float]:
        """Return the voxel edge lengths as acquisition records have them, in the order of `by_anatomy`."""
        return self.by_anatomy(self.voxel_size)

    def by_anatomy(self, lengths: Sequence[float]) -> tuple[float, float, float]:
        """Order a length along each axis of the array by anatomy: along left-right, front-back, head-feet.

        Example:
            >>> turned = Grid((4, 5, 6), np.array([[0, 0, -1.0, 0], [0, 2, 0, 0], [3, 0, 0, 0], [0, 0, 0, 1]]))
            >>> turned.voxel_size, turned.recorded_size
            ((3.0, 2.0, 1.0), (1.0, 2.0, 3.0))
        """
        from nibabel.orientations import io_orientation  # here, since the start of a command needs no nibabel

        towards = io_orientation(self.affine)[:, 0].tolist()
        return triple(length for _, length in sorted(zip(towards, lengths, strict=True)))

    def __str__(self) -> str:
        return f"{'x'.join(map(str, self.shape))} voxels of {'x'.join(f'{edge:.3g}' for edge in self.spacing)} mm"


def same_grid(a: Grid, b: Grid, tolerance: float = TOLERANCE_MM) -> bool:
    """Tell whether two grids have every voxel at the same position.

    It is enough to compare the corners: the distance between two affine maps is largest at one of them.

    Args:
        a: One grid.
        b: The other.
        tolerance: Largest distance of two corners in mm, in addition to the rounding of float32 headers.

    Example:
        >>> same_grid(Grid((4, 4, 4), np.eye(4)), Grid((4, 4, 4), np.diag([1, 1, 1.01, 1])))
        False
    """
    if a.shape != b.shape:
        return False
    corners = np.array([(*corner, 1) for corner in itertools.product(*((0, n - 1) for n in a.shape))]).T  # (4, 8)
    places = a.affine @ corners
    apart = np.abs(places - b.affine @ corners).max()
    rounding = 8 * float(np.finfo(np.float32).eps) * np.abs(places).max()
    return bool(apart <= tolerance + rounding)


def with_spacing(here: Grid, spacing: Spacing) -> Grid:
    """Return a grid of another voxel size over the same field of view, centred on it.

    Args:
        here: The old grid.
        spacing: New voxel edge lengths in mm; None, or a length within a thousandth, keeps an axis as it is.

    Raises:
        VolumeError: If the new grid has more than 2**30 voxels, or more than 1000 for each old one.

    Example:
        >>> with_spacing(Grid((4, 4, 4), np.eye(4)), (2.0, 1.0, None)).affine[0].tolist()
        [2.0, 0.0, 0.0, 0.5]
    """
    shape, affine = spaced(here.shape, here.affine, spacing)
    most = min(MOST_VOXELS, max(FEW, FINER * math.prod(here.shape)))
    if not math.prod(shape) <= most:
        counts = "x".join(f"{n:.6g}" for n in shape)
        edges = "x".join(f"{edge:.6g}" for edge in np.linalg.norm(affine[:3, :3], axis=0))
        raise VolumeError(
            f"{here} would become {counts} of {edges} mm, and {most} voxels are possible; choose larger "
            "voxels, or correct the voxel size in the header"
        )
    return Grid(triple(shape), affine)


def resample(
    image: Tensor, grid: Grid, onto: Grid, *, background: float = 0.0, interpolation: Interpolation = "linear"
) -> Tensor:
    """Resample an image to another grid, with a Gaussian against aliasing along axes that get coarser.

    Args:
        image: (X, Y, Z) float32.
        grid: Grid of the image.
        onto: The new grid.
        background: Value outside the image.
        interpolation: ``bspline`` (third order) is sharper and may overshoot at edges.

    Raises:
        VolumeError: If the new grid does not fit into the memory, or its voxels are beyond all proportion to the old.

    Example:
        >>> import torch
        >>> image = torch.arange(4.0).reshape(4, 1, 1)
        >>> fine = Grid((7, 1, 1), np.diag([0.5, 1, 1, 1]))
        >>> resample(image, Grid((4, 1, 1), np.eye(4)), fine).flatten().tolist()
        [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    """
    _check_resampling(grid, onto, blurring(grid.affine, onto.affine))
    return resampled(
        image, grid.affine, onto.shape, onto.affine, background=background, interpolation=interpolation
    )  # (X', Y', Z')


def check_grid(grid: Grid, what: str, *, images: int = 1) -> None:
    """Refuse a grid whose images do not fit into the memory.

    Args:
        grid: The grid to be filled.
        what: What it is for, for the message.
        images: How many of them are there at once.

    Raises:
        VolumeError: If they do not fit, or an image has more than 2**30 voxels.

    Example:
        >>> check_grid(Grid((4000, 4000, 4000), np.eye(4)), "sub-01")
        Traceback (most recent call last):
        anysyn.data.errors.VolumeError: sub-01: 4000x4000x4000 voxels of 1x1x1 mm are more than the 1073741824 that ...
    """
    voxels = math.prod(grid.shape)
    remedy = "choose larger voxels, crop the image, or correct the voxel size in its header"
    if voxels > MOST_VOXELS:
        raise VolumeError(f"{what}: {grid} are more than the {MOST_VOXELS} that are possible; {remedy}")
    check_memory(4.0 * voxels * images, f"{what}: {grid}", remedy)


def _check_resampling(grid: Grid, onto: Grid, sigma: NDArray[np.float64]) -> None:
    what = f"resampling {grid}"
    check_grid(onto, what, images=3)  # ITK's, its copy and ours
    products = (math.prod(grid.shape) + 1000) * float((8 * sigma + 1).sum())  # four deviations to each side
    if products > MOST_PRODUCTS:
        raise VolumeError(
            f"{what} to {onto}: the new voxels are beyond all proportion to the old; choose smaller voxels, or correct "
            "the voxel size in its header"
        )
