from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from nibabel.affines import from_matvec
from nibabel.orientations import inv_ornt_aff
from scipy.spatial.transform import Rotation

from anysyn.data.errors import VolumeError
from anysyn.data.geometry.boxes import Box
from anysyn.data.geometry.grid import Grid, with_spacing
from anysyn.data.geometry.output_grid import Raster


def turned(order, signs):
    """Permute and flip the axes of an oblique grid of 5 x 6 x 7 voxels."""
    shape = (5, 6, 7)
    affine = from_matvec(Rotation.from_euler("z", 0.3).as_matrix() @ np.diag([1.0, 1.5, 2.0]), (7, -3, 11))
    change = inv_ornt_aff([(order.index(axis), signs[order.index(axis)]) for axis in range(3)], shape)
    return Grid(shape, affine), Grid(tuple(shape[axis] for axis in order), affine @ change)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, 1), (1, -1, -1), (-1, -1, -1)])
def test_every_voxel_of_the_output_is_where_its_affine_says(order, signs):
    grid, other = turned(order, signs)
    onto = with_spacing(other, (0.7, 1.1, 2.3))
    raster = Raster.between(grid, onto)
    places = torch.stack(torch.meshgrid(*raster.axes, indexing="ij"))  # (3, *shape), in voxels of the input
    found = raster.turn(places).numpy().reshape(3, -1)
    voxels = np.indices(onto.shape).reshape(3, -1)
    world = onto.affine[:3, :3] @ voxels + onto.affine[:3, 3:]
    np.testing.assert_allclose(grid.affine[:3, :3] @ found + grid.affine[:3, 3:], world, atol=1e-9)
    steps = [raster.step[axis] * grid.spacing[axis] for axis in raster.order]
    np.testing.assert_allclose(steps, onto.spacing)
    assert all(bool((at.diff() > 0).all()) for at in raster.axes)


def test_neighbouring_parts_share_no_voxel_and_leave_none_out():
    raster = Raster.between(Grid((12, 1, 1), np.eye(4)), with_spacing(Grid((12, 1, 1), np.eye(4)), (0.7, None, None)))
    regions = [raster.covered(Box((a, 0, 0), (n, 1, 1))) for a, n in ((0, 5), (5, 1), (6, 6))]
    ends = [0, *(region.start[0] + region.size[0] for region in regions)]
    assert [region.start[0] for region in regions] == ends[:-1]
    assert ends[-1] == raster.shape[0] == 17


def test_grids_that_are_turned_against_each_other_are_refused():
    grid, _ = turned((0, 1, 2), (1, 1, 1))
    with pytest.raises(VolumeError, match="rotated"):
        Raster.between(Grid((5, 6, 7), np.eye(4)), grid)
