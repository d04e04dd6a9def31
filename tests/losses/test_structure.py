import pytest
import torch
from skimage.metrics import structural_similarity

from anysyn.losses import SSIM
from anysyn.types import Features, Outcome


def outcome(prediction, truth, mask):
    return Outcome(None, None, prediction, truth, mask, Features((), prediction))


def alike(prediction, truth, radius):
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    _, full = structural_similarity(truth.numpy(), prediction.numpy(), data_range=1.0, full=True, **options)
    return full[(slice(radius, -radius),) * truth.ndim].mean()


@pytest.mark.parametrize("shape", [(16, 13), (12, 14, 13)])
def test_it_is_one_minus_what_scikit_image_finds_where_the_window_lies_within(shape):
    truth = torch.rand(3, 2, *shape)
    prediction = 0.7 * truth + 0.2 * torch.rand(3, 2, *shape)
    mask = torch.tensor([[True, False], [False, False], [True, True]])
    found = [alike(prediction[b, k], truth[b, k], 5) for b in range(3) for k in range(2) if mask[b, k]]
    loss = SSIM()(outcome(prediction, truth, mask)).item()
    assert loss == pytest.approx(1 - sum(found) / 3, abs=1e-5)
    assert 0.02 < loss < 0.98


def test_half_precision_around_it_changes_nothing():
    truth = 0.5 + 0.01 * torch.rand(1, 1, 16, 16)
    prediction = truth + 0.002 * torch.rand(1, 1, 16, 16)
    compared = outcome(prediction, truth, torch.ones(1, 1, dtype=torch.bool))
    with torch.autocast("cpu", torch.bfloat16):
        half = SSIM()(compared).item()
    assert half == SSIM()(compared).item()


def test_a_window_longer_than_an_image_names_both():
    image = torch.rand(1, 1, 9, 16)
    with pytest.raises(ValueError, match="11 voxels does not fit into an image of 9 x 16"):
        SSIM()(outcome(image, image, torch.ones(1, 1, dtype=torch.bool)))


@pytest.mark.parametrize("window", [1, 4])
def test_a_window_has_a_middle(window):
    with pytest.raises(ValueError, match=f"window {window}; it needs an odd number"):
        SSIM(window=window)
