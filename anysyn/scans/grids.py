"""The grid of a prepared study: canonical axes, one voxel size, cropped; and a scan brought onto it in one step."""

from __future__ import annotations

from typing import Any

import nibabel as nib
import numpy as np
import torch
from nibabel.affines import from_matvec
from numpy.typing import NDArray
from torch import Tensor

from anysyn.data.errors import VolumeError
from anysyn.data.geometry.boxes import triple
from anysyn.data.geometry.grid import Grid, Interpolation, resample, with_spacing
from anysyn.data.geometry.output_grid import Raster

MARGIN_MM = 5.0
INTEGER = 1e-4  # voxels


def canonical(grid: Grid) -> Grid:
    """Return the same voxels with axes towards right, anterior and superior; an oblique grid stays oblique.

    Example:
        >>> canonical(Grid((4, 5, 6), np.diag([-1.0, 1, 2, 1]))).affine[0].tolist()
        [1.0, 0.0, 0.0, -3.0]
    """
    turns = nib.io_orientation(grid.affine)
    order = np.argsort(turns[:, 0].astype(int))
    shape = triple(int(grid.shape[axis]) for axis in order)
    return Grid(shape, grid.affine @ nib.orientations.inv_ornt_aff(turns, grid.shape))


def cropped(grid: Grid, inside: Tensor, margin: float = MARGIN_MM) -> Grid:
    """Return the part of a grid around a mask.

    Args:
        grid: The grid.
        inside: (X, Y, Z) bool on it, not empty.
        margin: Around the mask in mm, within the grid.

    Example:
        >>> mask = torch.zeros(20, 20, 20, dtype=torch.bool)
        >>> mask[8:12, 8:12, 8:12] = True
        >>> cropped(Grid((20, 20, 20), np.eye(4)), mask, margin=2).shape
        (8, 8, 8)
    """
    voxels = inside.nonzero()  # (N, 3)
    wider = np.ceil(margin / np.array(grid.spacing)).astype(int)
    low = np.maximum(voxels.amin(0).numpy() - wider, 0)
    high = np.minimum(voxels.amax(0).numpy() + 1 + wider, grid.shape)
    return Grid(triple((high - low).tolist()), grid.affine @ from_matvec(np.eye(3), low))


def study_grid(reference: Grid, spacing: float | None) -> Grid:
    """Return the grid that all scans of a person are brought to, before it is cropped.

    Args:
        reference: Of the scan that stays in place.
        spacing: Edge of the voxels in mm; those of the reference by default.

    Example:
        >>> study_grid(Grid((10, 10, 4), np.diag([-1.0, 1, 3, 1])), 1.0).shape
        (10, 10, 12)
    """
    own = canonical(reference)
    return own if spacing is None else with_spacing(own, (spacing, spacing, spacing))


def onto_grid(
    image: Tensor, grid: Grid, onto: Grid, *, background: float = 0.0, interpolation: Interpolation = "linear"
) -> Tensor:
    """Bring an image onto a grid; where each of its voxels is one of the image's, they are copied as they are.

    Args:
        image: (X, Y, Z) float32.
        grid: Its grid.
        onto: The other grid, in the same world.
        background: Value outside the image.
        interpolation: How, where voxels do not fall on each other.

    Example:
        >>> image = torch.rand(4, 5, 6)
        >>> grid = Grid((4, 5, 6), np.diag([-0.7, 0.9, 1.1, 1]))
        >>> there = onto_grid(image, grid, canonical(grid))
        >>> torch.equal(there, image.flip(0)), torch.equal(onto_grid(there, canonical(grid), grid), image)
        (True, True)
    """
    raster = _same_voxels(grid, onto)
    if raster is None:
        return resample(image, grid, onto, background=background, interpolation=interpolation)
    copied = torch.full(raster.shape, background, dtype=image.dtype)
    indices = [at.round().long() for at in raster.axes]
    there = [(index >= 0) & (index < length) for index, length in zip(indices, grid.shape, strict=True)]
    places = torch.meshgrid(*(mask.nonzero().flatten() for mask in there), indexing="ij")
    voxels = torch.meshgrid(*(index[mask] for index, mask in zip(indices, there, strict=True)), indexing="ij")
    copied[places] = image[voxels]
    return raster.turn(copied.unsqueeze(0))[0].contiguous()  # (X', Y', Z')


def _same_voxels(grid: Grid, onto: Grid) -> Raster | None:
    """Return where the voxels of a grid lie in another one, if each is one of its voxels; else None."""
    try:
        raster = Raster.between(grid, onto)
    except VolumeError:
        return None
    change = np.linalg.solve(grid.affine, onto.affine)[:3, :3]
    whole = np.abs(change - change.round()) @ np.array(onto.shape) < INTEGER
    at = torch.cat([at - at.round() for at in raster.axes]).abs()
    same = whole.all() and all(abs(step - 1) < INTEGER for step in raster.step) and bool((at < INTEGER).all())
    return raster if same else None


def grid_record(grid: Grid) -> dict[str, Any]:
    """Return a grid as JSON, exact to the bit."""
    return {"Shape": list(grid.shape), "Affine": grid.affine.tolist()}


def recorded_grid(record: dict[str, Any]) -> Grid:
    """Return the grid of a `grid_record`.

    Example:
        >>> grid = Grid((2, 3, 4), np.diag([0.1, 1, 1, 1]))
        >>> recorded = recorded_grid(grid_record(grid))
        >>> recorded.shape == grid.shape and np.array_equal(recorded.affine, grid.affine)
        True
    """
    return Grid(triple(int(n) for n in record["Shape"]), matrix_of(record["Affine"]))


def matrix_of(rows: object) -> NDArray[np.float64]:
    """Return a matrix (4, 4) from JSON.

    Raises:
        VolumeError: If it is none, or cannot be inverted.
    """
    matrix = np.asarray(rows, dtype=np.float64)
    if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-12:
        raise VolumeError("a matrix of the preparation's record is none of four by four; prepare the study anew")
    return matrix
