import numpy as np
import pytest
import torch

from anysyn.shortcuts.intensities import hats, neighbours, windows


@pytest.mark.parametrize(("spatial", "dimensions"), [((5, 6), 2), ((4, 5, 6), 2), ((4, 5, 6), 3)])
@pytest.mark.parametrize("reach", [1, 2])
def test_neighbours_weigh_as_in_a_convolution_along_the_last_axes(spatial, dimensions, reach):
    images, side = torch.rand(2, 3, *spatial), 2 * reach + 1
    kernel = torch.rand((side,) * dimensions)
    whole = kernel.reshape((1,) * (5 - dimensions) + kernel.shape)  # (1, 1, D, H, W)
    volumes = images.reshape(6, 1, *(1,) * (3 - len(spatial)), *spatial)
    expected = torch.nn.functional.conv3d(volumes, whole, padding=tuple(n // 2 for n in whole.shape[2:]))
    found = neighbours(images, reach, dimensions) @ kernel.flatten()
    torch.testing.assert_close(found, expected.reshape(images.shape))


@pytest.mark.parametrize("knots", [2, 5])
def test_hats_interpolate_between_knots_as_numpy_does(knots):
    values, of = torch.linspace(-0.5, 1.5, 41), torch.rand(knots)
    expected = np.interp(values.numpy(), np.linspace(0, 1, knots), of.numpy())
    np.testing.assert_allclose((hats(values, knots) @ of).numpy(), expected, atol=1e-6)


def test_windows_take_no_memory_of_their_own_but_for_the_air_around():
    images = torch.rand(1, 2, 6, 7)
    shown = windows(images, 1, 2)
    assert shown.shape == (1, 2, 6, 7, 3, 3)
    assert shown.untyped_storage().nbytes() == 4 * 2 * 8 * 9
