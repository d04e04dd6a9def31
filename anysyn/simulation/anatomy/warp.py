"""Smooth diffeomorphic warps from random stationary velocity fields."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Map = NDArray[np.float32]
Shape = tuple[int, int, int]

COARSE_MM = 5.0  # grid on which the velocity is integrated: far below the length over which it changes
STEPS = 6  # squarings


def smooth_field(shape: Shape, sigma: float, generator: np.random.Generator) -> Map:
    """Draw a smooth random field of standard deviation 1.

    Args:
        shape: Voxel counts.
        sigma: Length over which it changes, in voxels.
        generator: Draws it.
    """
    coarse = max(1.0, sigma / 2)  # drawn on few points and enlarged: the same field, much sooner
    small = tuple(int(np.ceil(n / coarse)) + 3 for n in shape)
    field = ndimage.gaussian_filter(generator.standard_normal(small, dtype=np.float32), sigma / coarse)
    field = (field - field.mean()) / field.std()
    places = np.meshgrid(*(np.arange(n, dtype=np.float32) / coarse + 1 for n in shape), indexing="ij", sparse=True)
    return np.asarray(ndimage.map_coordinates(field, np.broadcast_arrays(*places), order=1), dtype=np.float32)


def displacement(
    shape: Shape, spacing: float, generator: np.random.Generator, *, amplitude: float = 5.0, length: float = 25.0
) -> Map:
    """Draw a diffeomorphic displacement: the exponential of a random stationary velocity field.

    Scaling and squaring (Arsigny et al., MICCAI 2006): ``exp(v) = (exp(v / 2^n))^(2^n)``.

    Args:
        shape: Voxel counts of the grid.
        spacing: Voxel size in mm.
        generator: Draws the velocity.
        amplitude: Standard deviation of the velocity in mm.
        length: Length over which it changes in mm.

    Returns:
        (3, X, Y, Z) in voxels.

    Example:
        >>> displacement((8, 8, 8), 5.0, np.random.default_rng(0)).shape
        (3, 8, 8, 8)
    """
    ratio = COARSE_MM / spacing
    coarse: Shape = tuple(int(np.ceil(n / ratio)) + 1 for n in shape)  # type: ignore[assignment]
    velocity = np.stack([smooth_field(coarse, length / COARSE_MM, generator) for _ in range(3)])
    moved = velocity * (amplitude / COARSE_MM / 2**STEPS)
    identity = np.indices(coarse, dtype=np.float32)
    for _ in range(STEPS):
        moved = moved + np.stack([_at(part, identity + moved) for part in moved])
    fine = np.indices(shape, dtype=np.float32) / ratio
    return np.stack([_at(part, fine) * ratio for part in moved]).astype(np.float32)


def warped(shape: Shape, spacing: float, generator: np.random.Generator) -> Callable[[Map], Map]:
    """Draw a subject's warp: a little scaling and rotation, and two displacements, a broad and a fine one.

    Returns:
        A function that warps a map of that shape by linear interpolation, zero outside.
    """
    moved = displacement(shape, spacing, generator) + displacement(shape, spacing, generator, amplitude=1.6, length=9.0)
    places = np.indices(shape, dtype=np.float32)
    centre = (np.asarray(shape, dtype=np.float32).reshape(3, 1, 1, 1) - 1) / 2
    turn = np.eye(3) + generator.normal(0, 0.03, (3, 3))  # about 3 % of scaling and shear, 2 degrees
    places = np.tensordot(turn.astype(np.float32), places - centre, 1) + centre + moved

    def bend(image: Map) -> Map:
        return np.asarray(ndimage.map_coordinates(image, places, order=1), dtype=np.float32)

    return bend


def _at(image: Map, places: Map) -> Map:
    return np.asarray(ndimage.map_coordinates(image, places, order=1, mode="nearest"), dtype=np.float32)
