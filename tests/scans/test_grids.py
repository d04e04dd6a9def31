"""Voxels that fall on each other are copied, there and back to the bit."""

import itertools

import numpy as np
import pytest
import torch
from nifti_files import turned

from anysyn.data.geometry.grid import Grid, resample, with_spacing
from anysyn.scans.grids import canonical, cropped, onto_grid


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1)])
def test_the_way_to_canonical_axes_and_back_is_exact(order, signs):
    affine = turned(8, -11, 14)
    affine[:3, :3] = affine[:3, order] * signs
    image, grid = torch.rand(5, 6, 7), Grid((5, 6, 7), affine)
    upright = canonical(grid)
    there = onto_grid(image, grid, upright)
    assert all(upright.affine[i, i] > 0 for i in range(3))
    assert torch.equal(onto_grid(there, upright, grid), image)


def test_what_was_cropped_away_comes_back_as_air():
    image, grid = torch.rand(9, 9, 9) + 1, Grid((9, 9, 9), turned(5, 5, 5, zooms=(1, 1, 1)))
    mask = torch.zeros(9, 9, 9, dtype=torch.bool)
    mask[3:6, 4:6, 2:7] = True
    part = cropped(grid, mask, margin=0)
    back = onto_grid(onto_grid(image, grid, part), part, grid, background=-1)
    assert torch.equal(back[mask], image[mask])
    assert bool((back[~mask] == -1).all())


def test_other_voxels_are_interpolated_as_ever():
    image, grid = torch.rand(8, 8, 8), Grid((8, 8, 8), np.eye(4))
    onto = with_spacing(grid, (0.5, 1.0, 2.0))
    assert torch.equal(onto_grid(image, grid, onto), resample(image, grid, onto))
