"""Voxel grids: their comparison, and resampling an image from one to another."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from anysyn.bounds import Positive
from anysyn.data.errors import VolumeError
from anysyn.data.geometry.boxes import Shape, triple
from anysyn.data.memory import check_memory

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813

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
    factor = np.array([1.0 if new is None else new / old for old, new in zip(here.spacing, spacing, strict=True)])
    factor = np.where(np.abs(factor - 1) < 1e-3, 1.0, factor)
    lengths = np.maximum(np.round(np.array(here.shape) / factor), 1)
    most = min(MOST_VOXELS, max(FEW, FINER * math.prod(here.shape)))
    if not np.prod(lengths) <= most:
        counts, edges = ("x".join(f"{n:.6g}" for n in numbers) for numbers in (lengths, factor * here.spacing))
        raise VolumeError(
            f"{here} would become {counts} of {edges} mm, and {most} voxels are possible; choose larger "
            "voxels, or correct the voxel size in the header"
        )
    shape = np.where(factor == 1, here.shape, lengths.astype(int))
    start = (np.array(here.shape) - 1) / 2 - factor * (shape - 1) / 2  # first new voxel, in old voxels
    change = np.diag([*factor, 1.0])
    change[:3, 3] = start
    return Grid(triple(shape.tolist()), here.affine @ change)


def antialiasing(step: npt.ArrayLike) -> NDArray[np.float64]:
    """Return the standard deviations of the anti-aliasing Gaussian, in old voxels; 0 along axes that are not coarser.

    Its variance, ``(step ** 2 - 1) / (8 ln 2)``, matches the point spread of the new voxels (Cardoso et al., MICCAI
    2015).

    Args:
        step: Edges of the new voxels in old ones.

    Example:
        >>> antialiasing([0.5, 3.0]).round(3).tolist()
        [0.0, 1.201]
    """
    wider = np.maximum(np.square(np.asarray(step, dtype=np.float64)) - 1, 0)
    return np.asarray(np.sqrt(wider / (8 * np.log(2))))


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
        >>> image = torch.arange(4.0).reshape(4, 1, 1)
        >>> fine = Grid((7, 1, 1), np.diag([0.5, 1, 1, 1]))
        >>> resample(image, Grid((4, 1, 1), np.eye(4)), fine).flatten().tolist()
        [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    """
    import SimpleITK as sitk  # noqa: N813 - here, since a scan that stays on its grid does without

    step = np.abs(np.linalg.solve(grid.affine[:3, :3], onto.affine[:3, :3])).max(axis=1)  # old voxels per new one
    sigma = antialiasing(step)
    blurred = sigma > 0.1  # less than this changes nothing
    _check_resampling(grid, onto, np.where(blurred, sigma, 0))
    voxels = image.numpy()
    if blurred.any():
        voxels = ndimage.gaussian_filter(voxels, np.where(blurred, sigma, 0), mode="nearest")
    order = {"linear": sitk.sitkLinear, "bspline": sitk.sitkBSpline}[interpolation]
    moving = itk_image(voxels, grid.affine)
    reference = _placed(sitk.Image([int(n) for n in onto.shape], sitk.sitkUInt8), onto.affine)
    moved = sitk.Resample(moving, reference, sitk.Transform(), order, background)
    return torch.from_numpy(np.ascontiguousarray(sitk.GetArrayFromImage(moved).transpose(2, 1, 0)))  # (X', Y', Z')


def itk_image(voxels: NDArray[Any], affine: NDArray[np.float64]) -> sitk.Image:
    """Return voxels (X, Y, Z) as an image of ITK, whose world is LPS.

    Example:
        >>> itk_image(np.zeros((2, 3, 4), np.float32), np.diag([1.0, 1.0, 3.0, 1.0])).GetDirection()[:5]
        (-1.0, 0.0, 0.0, 0.0, -1.0)
    """
    import SimpleITK as sitk  # noqa: N813

    return _placed(sitk.GetImageFromArray(voxels.transpose(2, 1, 0)), affine)  # ITK's arrays are (Z, Y, X)


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


def _placed(image: sitk.Image, affine: NDArray[np.float64]) -> sitk.Image:
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine  # ITK's world is LPS
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image
