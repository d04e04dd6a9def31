from __future__ import annotations

import numpy as np
import pytest
import torch
from nibabel.affines import from_matvec
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from anysyn.data import memory
from anysyn.data.errors import VolumeError
from anysyn.data.geometry.grid import Grid, resample, same_grid, with_spacing
from anysyn.data.geometry.output_grid import Raster

OBLIQUE = from_matvec(
    Rotation.from_euler("xyz", [20, -10, 35], degrees=True).as_matrix() @ np.diag([-1, 1.2, 2]), [5, -7, 3]
)


def test_the_shape_and_the_corners_decide_whether_grids_are_the_same():
    assert not same_grid(Grid((4, 4, 4), OBLIQUE), Grid((4, 4, 5), OBLIQUE))
    turned = OBLIQUE @ from_matvec(Rotation.from_euler("z", 1e-3, degrees=True).as_matrix())
    assert same_grid(Grid((10, 10, 10), OBLIQUE), Grid((10, 10, 10), turned))
    assert not same_grid(Grid((400, 400, 10), OBLIQUE), Grid((400, 400, 10), turned))


def test_the_rounding_of_float32_headers_is_forgiven():
    rounded = OBLIQUE.astype(np.float32).astype(float)
    assert same_grid(Grid((512, 512, 512), OBLIQUE), Grid((512, 512, 512), rounded))


@pytest.mark.parametrize("mirror", [1, -1])
def test_resampling_agrees_with_scipy_between_oblique_grids(mirror):
    image = torch.rand(9, 10, 11, generator=torch.Generator().manual_seed(0))
    here = Grid((9, 10, 11), np.diag([mirror, 1.0, 1.0, 1.0]))
    turn = Rotation.from_euler("xyz", [10, 5, -8], degrees=True).as_matrix()
    there = Grid((6, 5, 7), here.affine @ from_matvec(0.7 * turn, [2.5, 3.1, 2.2]))
    voxels = np.indices(there.shape).reshape(3, -1)
    at = (np.linalg.inv(here.affine) @ there.affine @ np.vstack([voxels, np.ones_like(voxels[:1])]))[:3]
    expected = map_coordinates(image.numpy(), at, order=1, mode="nearest").reshape(there.shape)
    inside = ((at >= 0) & (np.array(here.shape) - 1 >= at.T).T).all(0).reshape(there.shape)
    assert inside.mean() > 0.5
    np.testing.assert_allclose(resample(image, here, there).numpy()[inside], expected[inside], atol=1e-5)


def test_what_lies_outside_is_background():
    far = Grid((3, 3, 3), from_matvec(np.eye(3), [100, 0, 0]))
    assert (resample(torch.rand(4, 4, 4), Grid((4, 4, 4), np.eye(4)), far, background=-1000) == -1000).all()


def test_a_coarser_grid_holds_no_aliases():
    stripes = torch.tensor([0.0, 1.0]).repeat(32).reshape(64, 1, 1).expand(64, 8, 8).contiguous()
    half = Grid((21, 8, 8), from_matvec(np.diag([3.0, 1, 1]), [1, 0, 0]))
    coarse = resample(stripes, Grid((64, 8, 8), np.eye(4)), half)
    assert coarse[2:-2].std() < 0.1 * stripes.std()


@pytest.mark.parametrize("slices", [1, 2, 3, 6])
def test_a_spline_keeps_the_samples_however_few_slices_there_are(slices):
    image = torch.rand(slices, 6, 6)
    fine = Grid((3 * slices, 6, 6), from_matvec(np.diag([1 / 3, 1, 1]), [-1 / 3, 0, 0]))
    answer = resample(image, Grid((slices, 6, 6), np.eye(4)), fine, interpolation="bspline")
    torch.testing.assert_close(answer[1::3], image, atol=1e-5, rtol=0)


@pytest.mark.parametrize("spacing", [(1e-3, 1, 1), (1e-9, 1e-9, 1e-9), (1e-300, 1e-300, 1e-300), (0.05, 0.05, 0.05)])
def test_a_grid_of_too_many_voxels_is_refused_with_its_size(spacing):
    with pytest.raises(VolumeError, match=r"300x300x300 voxels of 1x1x1 mm would become .* choose larger voxels"):
        with_spacing(Grid((300, 300, 300), np.eye(4)), spacing)


def test_a_small_image_may_be_made_much_finer_and_no_damaged_one_enormous():
    assert with_spacing(Grid((20, 20, 20), np.eye(4)), (0.1, 0.1, 0.1)).shape == (200, 200, 200)
    with pytest.raises(VolumeError, match="correct the voxel size in the header"):
        with_spacing(Grid((5, 5, 5), np.diag([200.0, 200, 200, 1])), (1, 1, 1))


def test_a_grid_beyond_the_memory_is_refused_before_it_is_made(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 1e6)
    fine = Grid((100, 100, 100), np.diag([0.1, 0.1, 0.1, 1]))
    with pytest.raises(VolumeError, match=r"100x100x100 voxels of 0.1x0.1x0.1 mm: needs 0.012 GB .* 0.001 GB are free"):
        resample(torch.rand(10, 10, 10), Grid((10, 10, 10), np.eye(4)), fine)
    with pytest.raises(VolumeError, match=r"the output: 100x100x100 voxels"):
        Raster.between(Grid((10, 10, 10), np.eye(4)), fine)


def test_voxels_beyond_all_proportion_are_refused_before_they_are_smoothed():
    with pytest.raises(VolumeError, match="beyond all proportion"):
        resample(torch.rand(10, 10, 10), Grid((10, 10, 10), np.eye(4)), Grid((1, 1, 1), np.diag([1e9, 1, 1, 1])))
