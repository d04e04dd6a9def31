"""A prediction under each kind of protocol, against the formulas written out."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from anysyn.evaluation.metrics.measure import measure
from anysyn.evaluation.metrics.protocol import Protocol, protocol
from anysyn.registry import names

SKIMAGE = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


@pytest.fixture
def case():
    generator = torch.Generator().manual_seed(0)
    truth = 3 * torch.rand(16, 18, 14, generator=generator)
    prediction = truth + 0.3 * torch.randn(truth.shape, generator=generator)
    mask = torch.zeros(truth.shape, dtype=torch.bool)
    mask[2:14, 3:15, 1:12] = True
    return prediction * mask, truth * mask, mask


def test_our_default_written_out(case):
    prediction, truth, mask = case
    found = measure(prediction, truth, mask, protocol("anysyn"))
    m = mask.numpy()
    low, high = np.percentile(truth.numpy()[m], [0, 99.5])
    p, t = (np.clip((x.double().numpy() - low) / (high - low), 0, 1) for x in (prediction, truth))
    error = np.mean((p[m] - t[m]) ** 2)
    _, full = structural_similarity(t, p, data_range=1.0, full=True, **SKIMAGE)
    wanted = {
        "psnr": 10 * np.log10(1 / error),
        "ssim": full[m].mean(),
        "mse": error,
        "mae": np.abs(p[m] - t[m]).mean(),
        "nmse": np.sum((p[m] - t[m]) ** 2) / np.sum(t[m] ** 2),
        "psnr_whole": peak_signal_noise_ratio(t, p, data_range=1.0),
    }
    assert found == pytest.approx(wanted, abs=1e-4)
    assert list(found) == list(protocol("anysyn").metrics)


def test_whole_slices_written_out(case):
    prediction, truth, mask = case
    found = measure(prediction, truth, mask, protocol("omnisyn"))
    p, t = (np.clip(x.numpy(), 0, 1) for x in (prediction, truth))
    kept = [z for z in range(14) if mask[..., z].any()]
    assert len(kept) == 11
    wanted = np.mean([peak_signal_noise_ratio(t[..., z], p[..., z], data_range=1.0) for z in kept])
    similar = np.mean([structural_similarity(t[..., z], p[..., z], data_range=1.0, **SKIMAGE) for z in kept])
    assert found["psnr"] == pytest.approx(wanted, abs=1e-4)
    assert found["ssim"] == pytest.approx(similar, abs=1e-4)


def test_the_peak_may_be_the_maximum_of_each_slice(case):
    prediction, truth, mask = case
    p, t = prediction.numpy(), truth.numpy()
    kept = [z for z in range(14) if mask[..., z].any()]
    wanted = [peak_signal_noise_ratio(t[..., z], p[..., z], data_range=t[..., z].max()) for z in kept]
    assert measure(prediction, truth, mask, protocol("pmm"))["psnr"] == pytest.approx(np.mean(wanted), abs=1e-4)


def test_a_volume_may_be_compared_with_a_flat_window(case):
    prediction, truth, mask = case
    flat = Protocol(name="flat", dimensions=2, axis=0, data_range=3.0, metrics=("ssim",))
    maps = [
        structural_similarity(truth[x].numpy(), prediction[x].numpy(), data_range=3.0, full=True, **SKIMAGE)[1]
        for x in range(16)
    ]
    wanted = np.stack(maps)[mask.numpy()].mean()
    assert measure(prediction, truth, mask, flat)["ssim"] == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("name", ["anysyn", "slices", "omnisyn", "tumsyn", "pmm"])
def test_identical_images_are_perfect_under_every_protocol(case, name):
    _, truth, mask = case
    found = measure(truth, truth, mask, protocol(name))
    assert math.isinf(found["psnr"])
    assert found["ssim"] == pytest.approx(1.0)


def test_slices_without_error_do_not_make_the_case_infinite(case):
    prediction, truth, mask = case
    half = torch.where(torch.arange(14) < 6, truth, prediction)
    found = measure(half, truth, mask, replace(protocol("slices"), metrics=("psnr",)))["psnr"]
    assert math.isfinite(found)


def test_slices_that_the_target_does_not_cover_are_left_out(case):
    prediction, truth, mask = case
    covered = torch.arange(14) > 4
    kept = mask & covered
    found = measure(prediction, truth * covered, mask, replace(protocol("omnisyn"), metrics=("mae",)))
    wanted = measure(prediction, truth * covered, kept, replace(protocol("omnisyn"), metrics=("mae",)))
    assert found == pytest.approx(wanted)


def test_thin_volumes_go_with_slices(case):
    prediction, truth, mask = (x[..., 4:9] for x in case)
    with pytest.raises(ValueError, match="protocol 'slices'"):
        measure(prediction, truth, mask, protocol("anysyn"))
    assert measure(prediction, truth, mask, protocol("slices"))["ssim"] < 1


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda p, t, m: (p[1:], t, m), "different shapes"),
        (lambda p, t, m: (p, t, m & False), "foreground is empty"),
        (lambda p, t, m: (p.index_fill(0, torch.tensor([5]), float("nan")), t, m), "not finite"),
        (lambda p, t, m: (p, torch.ones_like(t), m), "constant"),
    ],
)
@pytest.mark.parametrize("name", names("protocol"))
def test_what_cannot_be_compared_is_an_error(case, spoil, message, name):
    with pytest.raises(ValueError, match=message):
        measure(*spoil(*case), protocol(name), lesion=case[2])
