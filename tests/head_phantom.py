"""A made head without symmetry, in two contrasts, on any grid and at any place; and a made limb."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import torch

from anysyn.data.geometry.grid import Grid

# Centre and radii in mm, and the intensity in T1w and T2w; later ones cover earlier ones.
HEAD = (
    ((0, 0, 0), (78, 95, 88), (90, 60)),
    ((0, 2, 4), (70, 86, 78), (10, 15)),
    ((0, 2, 4), (66, 82, 74), (70, 90)),
    ((3, 4, 6), (58, 72, 64), (100, 55)),
    ((-14, 6, 16), (9, 26, 12), (25, 160)),
    ((15, 2, 14), (7, 22, 10), (25, 160)),
    ((22, -48, -38), (26, 20, 18), (80, 70)),
    ((-30, 40, 20), (14, 10, 17), (60, 130)),
    ((34, 20, -14), (10, 18, 8), (55, 140)),
    ((0, 88, -30), (14, 16, 18), (85, 50)),
)
_DRAW = np.random.default_rng(7)
HEAD += tuple(  # folds, so that a turn can be seen
    (tuple(_DRAW.uniform(-45, 45, 3)), tuple(_DRAW.uniform(5, 13, 3)), ((60, 130), (30, 150), (85, 70))[i % 3])
    for i in range(40)
)
LIMB = (
    ((0, 0, 0), (60, 50, 400), (95, 50)),
    ((5, -8, 0), (46, 38, 400), (45, 40)),
    ((12, 4, 0), (14, 13, 400), (110, 90)),
)
CONTRASTS = ("T1w", "T2w")


def grid_of(shape=(48, 56, 48), spacing=(4.0, 4.0, 4.0), matrix=None):
    """Return a grid around the origin, moved by a rigid matrix."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -(np.array(shape) - 1) / 2 * spacing
    return Grid(shape, affine if matrix is None else matrix @ affine)


def image(contrast="T1w", grid=None, matrix=None, body=HEAD, noise=1.0, seed=0):
    """Return what a scanner sees on a grid of a body that a rigid matrix moved, (X, Y, Z) float32."""
    grid = grid or grid_of()
    axes = np.meshgrid(*map(np.arange, grid.shape), indexing="ij")
    world = np.einsum("ij,j...->i...", grid.affine[:3, :3], np.stack(axes)) + grid.affine[:3, 3].reshape(3, 1, 1, 1)
    back = np.linalg.inv(np.eye(4) if matrix is None else matrix)
    at = np.einsum("ij,j...->i...", back[:3, :3], world) + back[:3, 3].reshape(3, 1, 1, 1)
    voxels = np.zeros(grid.shape)
    for centre, radii, values in body:
        inside = sum(((at[i] - centre[i]) / radii[i]) ** 2 for i in range(3)) < 1
        voxels[inside] = values[CONTRASTS.index(contrast)]
    voxels += noise * np.abs(np.random.default_rng(seed).normal(size=grid.shape))
    return torch.from_numpy(voxels.astype(np.float32))


def write(path, contrast="T1w", grid=None, **options):
    """Write such an image as NIfTI."""
    grid = grid or grid_of()
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(image(contrast, grid, **options).numpy(), grid.affine), path)
    return path
