"""SSIM against scikit-image."""

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from anysyn.evaluation.metrics.ssim import ssim, ssim_map


def images(*shape, span=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    truth = span * torch.rand(shape, generator=generator)
    return truth + 0.2 * span * torch.randn(shape, generator=generator), truth


def reference(prediction, truth, data_range, full=False):
    return structural_similarity(
        truth.double().numpy(),
        prediction.double().numpy(),
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=full,
    )


@pytest.mark.parametrize("shape", [(40, 31), (16, 11), (15, 20, 13), (11, 11, 11)])
@pytest.mark.parametrize("span", [1.0, 4000.0])
def test_agrees_with_scikit_image_over_the_whole_image(shape, span):
    prediction, truth = images(*shape, span=span)
    found = ssim(prediction, truth, data_range=span)
    assert found.item() == pytest.approx(reference(prediction, truth, span), abs=1e-6)


def test_agrees_with_scikit_image_on_a_dark_offset_such_as_hounsfield_units():
    prediction, truth = images(20, 20, 20, span=300.0)
    found = ssim(prediction - 1024, truth - 1024, data_range=4095.0)
    assert found.item() == pytest.approx(reference(prediction - 1024, truth - 1024, 4095.0), abs=1e-5)


@pytest.mark.parametrize("shape", [(30, 25), (15, 20, 13)])
def test_the_map_is_that_of_scikit_image_up_to_the_borders(shape):
    prediction, truth = images(*shape)
    _, wanted = reference(prediction, truth, 1.0, full=True)
    np.testing.assert_allclose(ssim_map(prediction, truth, data_range=1.0).numpy(), wanted, atol=1e-6)


@pytest.mark.parametrize(
    "box", [(slice(0, 4), slice(3, 9), slice(0, 30)), (slice(12, 20), slice(8, 20), slice(13, 14))]
)
def test_inside_a_mask_it_averages_the_whole_map(box):
    prediction, truth = images(30, 28, 32)
    mask = torch.zeros(truth.shape, dtype=torch.bool)
    mask[box] = torch.rand(mask[box].shape, generator=torch.Generator().manual_seed(1)) > 0.3
    _, wanted = reference(prediction, truth, 1.0, full=True)
    found = ssim(prediction, truth, data_range=1.0, mask=mask)
    assert found.item() == pytest.approx(wanted[mask.numpy()].mean(), abs=1e-6)


def test_two_axes_of_a_volume_are_its_slices():
    prediction, truth = images(20, 24, 5)
    wanted = np.mean([reference(prediction[..., i], truth[..., i], 1.0) for i in range(5)])
    assert ssim(prediction, truth, data_range=1.0, axes=(0, 1)).item() == pytest.approx(wanted, abs=1e-6)


def test_another_window_changes_the_value():
    prediction, truth = images(30, 30)
    wide = structural_similarity(
        truth.numpy(), prediction.numpy(), data_range=1.0, gaussian_weights=True, sigma=2.5, use_sample_covariance=False
    )  # scikit-image cuts the window at 3.5 sigma: radius 9
    found = ssim(prediction, truth, data_range=1.0, sigma=2.5, window=19)
    assert found.item() == pytest.approx(wide, abs=1e-5)
    assert abs(found.item() - reference(prediction, truth, 1.0)) > 1e-3


@pytest.mark.parametrize("mask", [None, torch.ones(30, 10, 30, dtype=torch.bool)])
def test_too_small_an_image_names_its_size_and_the_remedy(mask):
    prediction, truth = images(30, 10, 30)
    with pytest.raises(ValueError, match=r"11 voxels .* 30 x 10 x 30; compare slices \(protocol 'slices'\)"):
        ssim(prediction, truth, data_range=1.0, mask=mask)


def test_an_empty_mask_is_an_error():
    prediction, truth = images(12, 12)
    with pytest.raises(ValueError, match="mask is empty"):
        ssim(prediction, truth, data_range=1.0, mask=torch.zeros(12, 12, dtype=torch.bool))
