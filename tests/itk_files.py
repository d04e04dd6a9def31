"""Images of SimpleITK: an independent reader and writer of MetaImage and NRRD."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

TYPES = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"]
ROUNDED = np.arange(5 * 6 * 7).reshape(5, 6, 7) % 100  # exact in every type
LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def itk_image(voxels: np.ndarray, affine: np.ndarray) -> sitk.Image:
    """Return voxels (X, Y, Z) at an affine (4, 4) of RAS+."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.transpose(2, 1, 0)))
    lps = LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((lps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


def affine_of(image: sitk.Image) -> np.ndarray:
    """Return the affine (4, 4) of RAS+ that ITK sees."""
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    return LPS @ affine


def same_place(one: sitk.Image, other: sitk.Image) -> None:
    """Fail unless two images have the same place to the bit."""
    assert one.GetSize() == other.GetSize()
    assert one.GetOrigin() == other.GetOrigin()
    assert one.GetSpacing() == other.GetSpacing()
    assert one.GetDirection() == other.GetDirection()
