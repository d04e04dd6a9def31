"""Resampling of an image to another grid by ITK, without a look at the memory.

A MONAI bundle takes a copy of this file along, so it imports nothing but what such a bundle has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813

Affine = NDArray[np.float64]
MOST = 2.0**62  # voxels along an axis, far beyond what anybody can hold
LITTLE = 0.1  # standard deviation in voxels of a Gaussian that changes nothing


def spaced(shape: Sequence[int], affine: Affine, spacing: Sequence[float | None]) -> tuple[tuple[int, ...], Affine]:
    """Return shape and affine of a grid of another voxel size over the same field of view, centred on it.

    Args:
        shape: (X, Y, Z) of the old grid.
        affine: Its affine (4, 4).
        spacing: New voxel edge lengths in mm; None, or a length within a thousandth, keeps an axis as it is.

    Example:
        >>> shape, affine = spaced((4, 4, 4), np.eye(4), (2.0, 1.0, None))
        >>> shape, affine[0].tolist()
        ((2, 4, 4), [2.0, 0.0, 0.0, 0.5])
    """
    old = np.linalg.norm(affine[:3, :3], axis=0)
    factor = np.array([1.0 if new is None else new / edge for edge, new in zip(old, spacing, strict=True)])
    factor = np.where(np.abs(factor - 1) < 1e-3, 1.0, factor)
    lengths = np.clip(np.round(np.array(shape) / factor), 1, MOST)
    lengths = np.where(factor == 1, shape, lengths)
    change = np.diag([*factor, 1.0])
    change[:3, 3] = (np.array(shape) - 1) / 2 - factor * (lengths - 1) / 2  # first new voxel, in old voxels
    return tuple(int(length) for length in lengths), affine @ change


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


def blurring(affine: Affine, onto: Affine) -> NDArray[np.float64]:
    """Return the standard deviations, in old voxels, of the Gaussian before a resampling; 0 along axes without.

    Args:
        affine: Of the old grid.
        onto: Of the new one.

    Example:
        >>> blurring(np.eye(4), np.diag([3.0, 1, 0.5, 1])).round(3).tolist()
        [1.201, 0.0, 0.0]
    """
    step = np.abs(np.linalg.solve(affine[:3, :3], onto[:3, :3])).max(axis=1)  # old voxels per new one
    sigma = antialiasing(step)
    return np.where(sigma > LITTLE, sigma, 0)


def resampled(
    image: Tensor,
    affine: Affine,
    shape: Sequence[int],
    onto: Affine,
    *,
    background: float = 0.0,
    interpolation: str = "linear",
) -> Tensor:
    """Resample an image to another grid, with a Gaussian against aliasing along axes that get coarser.

    Args:
        image: (X, Y, Z) float32.
        affine: Of its grid.
        shape: (X', Y', Z') of the new grid.
        onto: Affine of the new grid.
        background: Value outside the image.
        interpolation: ``linear`` or ``bspline``.

    Example:
        >>> image = torch.arange(4.0).reshape(4, 1, 1)
        >>> resampled(image, np.eye(4), (7, 1, 1), np.diag([0.5, 1, 1, 1])).flatten().tolist()
        [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    """
    import SimpleITK as sitk  # noqa: N813 - here, since a scan that stays on its grid does without

    voxels, sigma = image.numpy(), blurring(affine, onto)
    if sigma.any():
        voxels = ndimage.gaussian_filter(voxels, sigma, mode="nearest")
    reference = placed(sitk.Image([int(n) for n in shape], sitk.sitkUInt8), onto)
    order = {"linear": sitk.sitkLinear, "bspline": sitk.sitkBSpline}[interpolation]
    moved = sitk.Resample(itk_image(voxels, affine), reference, sitk.Transform(), order, background)
    return torch.from_numpy(np.ascontiguousarray(sitk.GetArrayFromImage(moved).transpose(2, 1, 0)))  # (X', Y', Z')


def itk_image(voxels: NDArray[Any], affine: Affine) -> sitk.Image:
    """Return voxels (X, Y, Z) as an image of ITK, whose world is LPS.

    Example:
        >>> itk_image(np.zeros((2, 3, 4), np.float32), np.diag([1.0, 1.0, 3.0, 1.0])).GetDirection()[:5]
        (-1.0, 0.0, 0.0, 0.0, -1.0)
    """
    import SimpleITK as sitk  # noqa: N813

    return placed(sitk.GetImageFromArray(voxels.transpose(2, 1, 0)), affine)  # ITK's arrays are (Z, Y, X)


def placed(image: sitk.Image, affine: Affine) -> sitk.Image:
    """Write an affine, RAS+, into an image of ITK, and return the image.

    Example:
        >>> import SimpleITK as sitk
        >>> placed(sitk.Image([2, 2, 2], sitk.sitkUInt8), np.diag([1.0, 1, 3, 1])).GetSpacing()
        (1.0, 1.0, 3.0)
    """
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine  # ITK's world is LPS
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image
