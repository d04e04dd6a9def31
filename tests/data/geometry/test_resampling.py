from __future__ import annotations

import numpy as np
import pytest
import torch
from nibabel.affines import from_matvec
from scipy import ndimage

from anysyn.data.geometry.grid import Grid, resample
from anysyn.data.geometry.resampling import along, downsample, interpolation, resampling, smoothing


@pytest.mark.parametrize("sigma", [0.0, 0.4, 1.2, 3.0])
def test_smoothing_is_the_gaussian_filter_of_scipy(sigma):
    image = np.random.default_rng(0).random((9, 20))
    expected = ndimage.gaussian_filter1d(image, sigma, axis=1, mode="nearest") if sigma else image
    np.testing.assert_allclose(along(torch.from_numpy(image), {1: smoothing(20, sigma)}).numpy(), expected, atol=1e-12)


def test_interpolation_is_that_of_numpy():
    values, at = np.random.default_rng(0).random(7), np.linspace(-1, 8, 40)
    found = interpolation(7, torch.from_numpy(at)) @ torch.from_numpy(values)
    np.testing.assert_allclose(found.numpy(), np.interp(at, np.arange(7), values), atol=1e-12)
    assert interpolation(1, torch.tensor([0.0, 3.0])).flatten().tolist() == [1.0, 1.0]


@pytest.mark.parametrize("size", [(20, 20, 20), (15, 21, 30), (60, 45, 20)])
def test_shrinking_is_resampling_over_the_same_field_of_view(size):
    whole = (60, 45, 30)
    image = torch.from_numpy(np.random.default_rng(0).random(whole, dtype=np.float32))
    ratio = np.array(whole) / np.array(size)
    expected = resample(image, Grid(whole, np.eye(4)), Grid(size, from_matvec(np.diag(ratio), (ratio - 1) / 2)))
    torch.testing.assert_close(downsample(image[None], size)[0], expected, atol=1e-5, rtol=0)
    assert downsample(image, whole[1:]) is image


def test_constants_and_means_are_kept():
    matrix = resampling(30, torch.arange(10).double() * 3 + 1, 3.0)
    torch.testing.assert_close(matrix.sum(1), torch.ones(10, dtype=torch.float64))
    assert matrix.sum(0)[6:-6].std() < 0.05  # every voxel counts about as much: no aliasing
