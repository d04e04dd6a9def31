"""Metrics against scikit-image and numpy."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import mean_squared_error, normalized_root_mse, peak_signal_noise_ratio

from anysyn.errors import RecipeError
from anysyn.evaluation.metrics.metrics import Comparison, Metric, mae, metric, mse, nmse, psnr
from anysyn.registry import names


@pytest.fixture(params=[(20, 30), (8, 9, 10)])
def pair(request):
    generator = torch.Generator().manual_seed(0)
    truth = torch.rand(request.param, generator=generator)
    return truth + 0.1 * torch.randn(request.param, generator=generator), truth


@pytest.mark.parametrize("masked", [False, True])
def test_agree_with_the_libraries(pair, masked):
    prediction, truth = pair
    mask = truth > 0.4 if masked else None
    p, t = ((x if mask is None else x[mask]).double().numpy() for x in pair)
    assert mse(prediction, truth, mask).item() == pytest.approx(mean_squared_error(t, p), abs=1e-9)
    assert mae(prediction, truth, mask).item() == pytest.approx(np.abs(p - t).mean(), abs=1e-9)
    assert nmse(prediction, truth, mask).item() == pytest.approx(normalized_root_mse(t, p) ** 2, abs=1e-9)
    for span in (1.0, 255.0):
        wanted = peak_signal_noise_ratio(t, p, data_range=span)
        assert psnr(prediction, truth, data_range=span, mask=mask).item() == pytest.approx(wanted, abs=1e-6)


def test_large_volumes_lose_no_precision():
    truth = torch.full((200, 200, 100), 0.1)
    assert mse(truth + 1e-3, truth).item() == pytest.approx(1e-6, rel=1e-4)


def test_identical_images_have_an_infinite_psnr(pair):
    assert math.isinf(psnr(pair[1], pair[1], data_range=1.0).item())


def test_what_is_outside_the_mask_is_not_read(pair):
    prediction, truth = pair
    mask = truth > 0.4
    spoilt = torch.where(mask, prediction, torch.nan)
    assert psnr(spoilt, truth, data_range=1.0, mask=mask).isfinite()


def test_every_metric_is_better_on_a_better_image_in_its_direction():
    truth = torch.rand(12, 12, 12, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(12, 12, 12, generator=torch.Generator().manual_seed(1))

    def value(held, level):
        shown = {"truth": truth, "mask": truth > 0.2, "data_range": 1.0, "axes": (0, 1, 2), "lesion": truth > 0.6}
        shown |= {"bone": truth > 0.5, "zero": 199.5}  # 0.5 is 200 HU
        return held.value(Comparison(prediction=truth + level * noise, **shown)).item()

    for name in set(names("metric")) - {"ms_ssim", "lpips"}:  # these need larger images, or weights
        held = metric(name)
        assert isinstance(held, Metric)
        assert held.name == name
        assert (value(held, 0.1) > value(held, 0.3)) == held.higher_is_better, name


def test_the_whole_image_counts_only_where_the_name_says_so():
    truth = torch.rand(12, 12, 12)
    mask = torch.zeros(12, 12, 12, dtype=torch.bool)
    mask[:6] = True
    comparison = Comparison(prediction=truth + 0.1 * mask, truth=truth, mask=mask, data_range=1.0, axes=(0, 1, 2))
    assert metric("psnr").value(comparison).item() == pytest.approx(20, abs=1e-4)
    assert metric("psnr_whole").value(comparison).item() == pytest.approx(20 + 10 * math.log10(2), abs=1e-4)


def test_an_unknown_metric_names_the_nearest():
    with pytest.raises(RecipeError, match="did you mean 'psnr'"):
        metric("psrn")
