"""A volume as slices: in which order, where each lies, and in which directions its rows and columns run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anysyn.scans.dicom.errors import DicomError

ORTHOGONAL = 1e-4  # largest cosine of two axes that are taken for perpendicular
ALIGNED = 0.9995  # least cosine of an axis of the image and one of the source that are the same
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Slices:
    """Slices of a volume in DICOM's world, LPS.

    Args:
        voxels: (N, rows, columns).
        directions: (3, 3), columns: along a row, along a column, from slice to slice; unit vectors.
        spacing: Distance of the columns, of the rows and of the slices in mm, in the order of the directions.
        origin: (3,) centre of the first voxel of the first slice in mm.
    """

    voxels: NDArray[Any]
    directions: NDArray[np.float64]
    spacing: tuple[float, float, float]
    origin: NDArray[np.float64]

    def position(self, number: int) -> NDArray[np.float64]:
        """Return the centre (3,) of the first voxel of a slice in mm."""
        return np.asarray(self.origin + number * self.spacing[2] * self.directions[:, 2])


def slices_of(voxels: NDArray[Any], affine: NDArray[np.float64], source: NDArray[np.float64] | None = None) -> Slices:
    """Cut a volume into slices, in the directions of the source if the volume has its axes, in whatever order.

    Args:
        voxels: (X, Y, Z).
        affine: (4, 4), voxel to world in mm, RAS+.
        source: Directions (3, 3) of the source's slices in LPS, as columns.

    Raises:
        DicomError: If the axes of the volume are not perpendicular, which DICOM's slices are.

    Example:
        >>> voxels = np.arange(8).reshape(2, 2, 2)
        >>> slices = slices_of(voxels, np.diag([1.0, 1.0, 3.0, 1.0]), np.eye(3))
        >>> slices.origin.tolist(), slices.spacing, slices.voxels[0].tolist()
        ([-1.0, -1.0, 0.0], (1.0, 1.0, 3.0), [[6, 2], [4, 0]])
    """
    lps = RAS_TO_LPS @ affine
    spacing = np.linalg.norm(lps[:3, :3], axis=0)
    axes = lps[:3, :3] / spacing
    if np.abs(axes.T @ axes - np.eye(3)).max() > ORTHOGONAL:
        raise DicomError("the image's axes are not perpendicular, and those of DICOM are; resample it to a plain grid")
    order, signs = _matching(axes, source)
    origin = lps[:3, 3].copy()
    for axis, sign in zip(order, signs, strict=True):
        if sign < 0:
            origin += (voxels.shape[axis] - 1) * lps[:3, axis]
    turned = np.transpose(voxels, order)  # along a row, along a column, slices
    flips = tuple(slice(None, None, sign) for sign in signs)
    stack = turned[flips].transpose(2, 1, 0)  # (N, rows, columns)
    edges = spacing[list(order)].tolist()
    return Slices(stack, axes[:, order] * signs, (edges[0], edges[1], edges[2]), origin)


def _matching(axes: NDArray[np.float64], source: NDArray[np.float64] | None) -> tuple[list[int], list[int]]:
    """Return which axis of the image runs along each direction of the source, and which way; its own if none does."""
    if source is not None:
        cosines = source.T @ axes  # (direction, axis)
        order = np.abs(cosines).argmax(axis=1)
        best = cosines[np.arange(3), order]
        if len(set(order.tolist())) == 3 and np.abs(best).min() > ALIGNED:
            return order.tolist(), np.sign(best).astype(int).tolist()
    return [0, 1, 2], [1, -1, 1] if np.linalg.det(axes) < 0 else [1, 1, 1]
