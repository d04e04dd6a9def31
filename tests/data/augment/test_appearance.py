from __future__ import annotations

import numpy as np
import pytest
import torch

from anysyn.data.augment.appearance import TOP, Coarse, Contrast, Noise, Shading, curved, thick
from anysyn.registry import find

CHANGES = {
    "contrast": Contrast(probability=1),
    "shading": Shading(probability=1),
    "noise": Noise(probability=1),
    "coarse": Coarse(probability=1),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("shape", [(2, 3, 20, 24), (2, 3, 3, 20, 24)])
def test_air_stays_air_and_the_same_generator_draws_the_same(name, shape):
    images = torch.rand(shape)
    images[1, 2] = 0
    axes = tuple(range(len(shape) - 2))
    first, again = (CHANGES[name](images, axes, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, images)
    assert not first[1, 2].any()  # an absent image stays absent
    assert not torch.equal(first[0, 0] - images[0, 0], first[0, 1] - images[0, 1])  # each image for itself


@pytest.mark.parametrize("name", CHANGES)
def test_a_probability_of_zero_changes_nothing_and_others_are_refused(name):
    images = torch.rand(2, 3, 8, 9)
    factory = find("augment", name)
    assert torch.equal(factory(probability=0)(images, (0, 1), torch.Generator()), images)
    with pytest.raises(ValueError, match="probability"):
        factory(probability=1.5)


def test_a_curve_is_numpys_interpolation():
    slopes = torch.tensor([[[0.5, 1.0, 2.0, 0.5]]])
    images = torch.rand(1, 1, 50) * 1.2 * TOP
    knots = np.concatenate([[0], np.cumsum(slopes.flatten().numpy())]) * TOP / 4
    expected = np.interp(images.numpy(), np.linspace(0, TOP, 5), knots) + np.maximum(images.numpy() - TOP, 0)
    assert np.allclose(curved(images, slopes).numpy(), expected, atol=1e-5)


def test_noise_in_bright_voxels_has_the_standard_deviation_drawn():
    images = torch.ones(200, 1, 400)
    noisy = Noise(most=0.1, probability=1)(images, (0,), torch.Generator().manual_seed(0))
    spread = noisy.std(2).flatten()
    assert 0.04 < float(spread.mean()) < 0.06
    assert float(spread.max()) < 0.115


def test_shading_of_a_slab_is_alike_in_its_slices():
    shaded = Shading(gain=0.0, probability=1)(torch.ones(1, 1, 3, 32, 32), (2, 0, 1), torch.Generator().manual_seed(1))
    assert torch.allclose(shaded[0, 0, 0], shaded[0, 0, 2], atol=1e-5)
    assert float(shaded.std()) > 0.02


def test_thick_slices_keep_the_mean_and_change_one_axis_alone():
    image = torch.rand(24, 12)
    thickened = thick(image, 0, 4.0)
    assert torch.allclose(thickened.mean(0), image.mean(0), atol=0.1)
    assert float(thickened.diff(dim=0).abs().mean()) < float(image.diff(dim=0).abs().mean()) / 2
    assert torch.equal(thick(image, 1, 1.0), image)
    with pytest.raises(ValueError, match="below 1"):
        Coarse(most=0.5)
