import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from anysyn.points import Points, lattice, sample_at

SHAPES = [(5, 7), (4, 5, 6)]


def points_of(at):
    return Points(at, torch.ones(len(at), at.shape[-1]))


@pytest.mark.parametrize("shape", SHAPES)
def test_sampling_at_the_grid_returns_the_image(shape):
    image = torch.rand(2, 3, *shape)
    torch.testing.assert_close(sample_at(image, lattice(shape)), image, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shape", SHAPES)
def test_sampling_agrees_with_scipy(shape):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(1, 1, *shape, generator=generator)
    points = torch.rand(1, 40, len(shape), generator=generator) * 2.4 - 1.2  # some beyond the border
    voxels = [((points[0, :, i] + 1) * n / 2 - 0.5).clamp(0, n - 1).numpy() for i, n in enumerate(shape)]
    expected = map_coordinates(image[0, 0].numpy(), voxels, order=1, mode="nearest")
    np.testing.assert_allclose(sample_at(image, points_of(points))[0, 0].numpy(), expected, atol=1e-5)


def test_sampling_refuses_points_of_another_dimension():
    with pytest.raises(ValueError, match="3 coordinates, the image has 2"):
        sample_at(torch.rand(1, 1, 4, 4), points_of(torch.zeros(1, 5, 3)))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_lattice_lists_its_points_row_by_row(shape):
    finer = lattice(shape, onto=[2 * n + 1 for n in shape])
    points = finer.points(samples=3)
    where = tuple(2 if axis == len(shape) - 1 else 1 for axis in range(len(shape)))
    expected = torch.stack([axis[i] for axis, i in zip(finer.axes, where, strict=True)])
    row = int(np.ravel_multi_index(where, finer.shape))
    torch.testing.assert_close(points.at[1, row], expected)
    torch.testing.assert_close(points.step[2], torch.tensor([n / (2 * n + 1) for n in shape]))


def test_padding_keeps_places_where_they_were():
    image = torch.rand(1, 1, 6, 5)
    padded = torch.nn.functional.pad(image, (0, 3, 0, 2), mode="replicate")
    finer = lattice((6, 5), onto=(9, 10))
    for places in (finer, finer.points(1)):
        moved = places.padded((6, 5), (8, 8))
        torch.testing.assert_close(sample_at(padded, moved), sample_at(image, places), atol=1e-5, rtol=0)
