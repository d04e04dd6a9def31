"""Rigid motions as matrices: made from angles, applied to points, and compared by how far they move a head apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


def rigid(
    degrees: npt.ArrayLike = (0, 0, 0), shift: npt.ArrayLike = (0, 0, 0), about: npt.ArrayLike = (0, 0, 0)
) -> Matrix:
    """Return a rigid motion ``x -> R (x - c) + c + t`` as a matrix (4, 4).

    Args:
        degrees: Rotations about the x, y and z axis, in this order.
        shift: t in mm.
        about: c in mm.

    Example:
        >>> (rigid((0, 0, 90), about=(1, 0, 0)) @ [2, 0, 0, 1]).round(6).tolist()
        [1.0, 1.0, 0.0, 1.0]
    """
    from scipy.spatial.transform import Rotation  # here, since only a registration turns anything

    matrix, centre = np.eye(4), np.asarray(about, dtype=np.float64)
    matrix[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix()
    matrix[:3, 3] = centre + np.asarray(shift, dtype=np.float64) - matrix[:3, :3] @ centre
    return matrix


def moved(points: NDArray[np.float64], matrix: Matrix) -> NDArray[np.float64]:
    """Return points (N, 3) moved by a matrix (4, 4)."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3])


def apart(a: Matrix, b: Matrix, points: NDArray[np.float64]) -> float:
    """Return the mean distance in mm of points (N, 3) moved by one matrix from the same moved by another.

    Example:
        >>> apart(np.eye(4), rigid(shift=(0, 3, 4)), np.zeros((2, 3)))
        5.0
    """
    return float(np.linalg.norm(moved(points, a) - moved(points, b), axis=1).mean())


def angle_of(matrix: Matrix) -> float:
    """Return the angle in degrees of a rigid motion's rotation.

    Example:
        >>> round(angle_of(rigid((0, 35, 0))), 6)
        35.0
    """
    from scipy.spatial.transform import Rotation

    return float(np.degrees(Rotation.from_matrix(matrix[:3, :3]).magnitude()))
