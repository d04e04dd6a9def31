"""The presets of the challenges against their definitions, written out with scikit-image."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.signal import fftconvolve
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.evaluate import _suited
from anysyn.evaluation.metrics.lesion import region_ssim
from anysyn.evaluation.metrics.measure import measure
from anysyn.evaluation.metrics.presets import brasyn, codebrain_ixi, synthrad, synthrad2025
from anysyn.evaluation.metrics.protocol import Protocol, protocol
from anysyn.evaluation.pairs import parse_pairs

LOW, HIGH = -1024.0, 3000.0


@pytest.fixture(params=[0, 1])
def case(request):
    generator = torch.Generator().manual_seed(request.param)
    truth = torch.rand(20, 22, 18, generator=generator)
    prediction = 1.2 * truth + 0.2 * torch.randn(truth.shape, generator=generator)
    mask = torch.zeros(truth.shape, dtype=torch.bool)
    mask[1:17, 0:19, 3:15] = torch.rand(16, 19, 12, generator=generator) > 0.2
    lesion = torch.zeros_like(mask)
    lesion[5:11, 6:13, 6:11] = True
    return prediction, truth, mask, lesion


def own_scale(image):
    low, high = np.percentile(image, [0.5, 99.5])
    return (np.clip(image, low, high) - low) / (high - low)


def torchmetrics_ssim(first, second):
    """Write down SSIM as torchmetrics computes it: Gaussian of sigma 1.5, data range from what is there, no borders."""
    span = max(first.max() - first.min(), second.max() - second.min())
    how = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return structural_similarity(first, second, data_range=span, **how)


@pytest.mark.parametrize("name", ["ssim_lesion", "ssim_healthy"])
def test_brasyn(case, name):
    prediction, truth, mask, lesion = case
    found = measure(prediction, truth, mask, brasyn(), lesion=lesion)
    p, t = (own_scale(x.double().numpy()) for x in (prediction, truth))
    where = (lesion if name == "ssim_lesion" else ~lesion).numpy()
    assert found[name] == pytest.approx(torchmetrics_ssim(p * where, t * where), abs=1e-4)


def test_brasyn_knows_no_scale(case):
    prediction, truth, mask, lesion = case
    found, brighter = (measure(x, truth, mask, brasyn(), lesion=lesion) for x in (prediction, 5 * prediction + 100))
    assert brighter == pytest.approx(found, abs=1e-4)


def test_brasyn_needs_the_lesion_and_something_in_it(case):
    prediction, truth, mask, lesion = case
    with pytest.raises(ValueError, match="needs a lesion mask"):
        measure(prediction, truth, mask, brasyn())
    found = measure(prediction, truth, mask, brasyn(), lesion=lesion & False)
    assert math.isnan(found["ssim_lesion"])
    assert 0 < found["ssim_healthy"] < 1
    with pytest.raises(ValueError, match="the prediction is constant"):
        measure(torch.ones_like(truth), truth, mask, brasyn(), lesion=lesion)
    assert math.isnan(region_ssim(truth, truth, lesion & False))


def test_lesions_may_be_compared_slice_by_slice(case):
    prediction, truth, mask, lesion = case
    flat = Protocol(name="flat", unit="slice", dimensions=2, mask="whole", metrics=("ssim_lesion",))
    found = measure(prediction, truth, mask, flat, lesion=lesion)["ssim_lesion"]
    p, t = ((x * lesion).double().numpy() for x in (prediction, truth))
    wanted = [torchmetrics_ssim(p[..., z], t[..., z]) for z in range(6, 11)]  # the others hold no lesion
    assert found == pytest.approx(np.mean(wanted), abs=1e-4)


def published_synthrad(prediction, truth, mask):
    """Write down PSNR and SSIM in HU: clipped; air outside; the SSIM map averaged in the mask, without borders."""
    p, t = (np.clip(x, LOW, HIGH) for x in (prediction, truth))
    psnr = peak_signal_noise_ratio(t[mask], p[mask], data_range=HIGH - LOW)
    p, t = (np.where(mask, x, LOW) - LOW for x in (p, t))
    _, full = structural_similarity(t, p, data_range=HIGH - LOW, full=True)
    inner = (slice(3, -3),) * 3
    return {"psnr": psnr, "ssim": full[inner][mask[inner]].mean()}


@pytest.mark.parametrize("window", [(-1000.0, 2000.0), (0.0, 80.0, 0.02), None])
def test_synthrad(case, window):
    """In prepared intensities, in those of a window that is bent at its ends, and in files in HU themselves."""
    prediction, truth, mask, _ = case
    hounsfield = [5000 * x.double() - 1500 for x in (prediction, truth)]  # beyond both ends of the clip
    if window is None:
        shown = hounsfield
    else:
        low, high, slope = (*window, 1.0)[:3]
        shares = [(x - low) / (high - low) for x in hounsfield]
        shown = [s.clamp(0, 1) + slope * (s - s.clamp(0, 1)) for s in shares]
    found = measure(*shown, mask, synthrad(), window=window)
    wanted = published_synthrad(*(x.numpy() for x in hounsfield), mask.numpy())
    assert found == pytest.approx(wanted, abs=1e-4)


def test_synthrad_is_for_ct_alone():
    assert [name for name in ("T1w", "CT", "FDG-PET") if synthrad().suits(name)] == ["CT"]
    assert "in HU, clipped to [-1024, 3000]" in synthrad().describe()
    assert "foreground, -1024 outside of it" in synthrad().describe()
    assert "uniform, 7 voxels" in synthrad().describe()


def published_synthrad2025(prediction, truth, mask):
    """Write down PSNR and the masked MS-SSIM as the challenge of 2025 describes them, with scipy and numpy."""
    low, high = -1024.0, 3071.0
    p, t = (np.clip(x, low, high) for x in (prediction, truth))
    found = {"psnr": peak_signal_noise_ratio(t[mask], p[mask], data_range=high - low)}
    p, t = (np.where(mask, x, low) - low for x in (p, t))
    margins = [((97 - n) // 2, 97 - n - (97 - n) // 2) for n in mask.shape]
    p, t, where = (np.pad(x, margins, mode="edge") for x in (p, t, mask))
    product = 1.0
    for weight in (0.0448, 0.2856, 0.3001, 0.2363, 0.1333):
        windows = [np.lib.stride_tricks.sliding_window_view(x, (7, 7, 7)).reshape(-1, 343) for x in (p, t)]
        inside = where[3:-3, 3:-3, 3:-3].ravel()
        a, b = (x[inside] for x in windows)  # (N, 343): every window lies within the image
        c1, c2 = (0.01 * (high - low)) ** 2, (0.03 * (high - low)) ** 2
        mean_a, mean_b, sd_a, sd_b = a.mean(1), b.mean(1), a.std(1, ddof=1), b.std(1, ddof=1)
        both = ((a - mean_a[:, None]) * (b - mean_b[:, None])).sum(1) / 342
        parts = [(2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)]
        parts += [(2 * sd_a * sd_b + c2) / (sd_a**2 + sd_b**2 + c2), (both + c2 / 2) / (sd_a * sd_b + c2 / 2)]
        product *= np.clip(np.mean(np.prod([np.clip(x, 0, None) ** weight for x in parts], axis=0)), 0, 1)
        p, t = (fftconvolve(x, np.full((2, 2, 2), 1 / 8), mode="same")[::2, ::2, ::2] for x in (p, t))
        where = where[::2, ::2, ::2]
    return found | {"ms_ssim_masked": product}


def test_synthrad2025(case):
    prediction, truth, mask, _ = case
    hounsfield = [5000 * x.double() - 1500 for x in (prediction, truth)]
    found = measure(*hounsfield, mask, synthrad2025())
    wanted = published_synthrad2025(*(x.numpy() for x in hounsfield), mask.numpy())
    assert {name: found[name] for name in wanted} == pytest.approx(wanted, abs=1e-4)
    assert math.isnan(found["dice_bone"])  # nothing says where the bone is
    assert synthrad2025().suits("CT")
    assert not synthrad2025().suits("T1w")


def test_bone_is_what_is_dense_where_a_mask_has_bone():
    truth = torch.zeros(12, 12, 12)
    truth[2:6, 2:6, 2:6] = 700  # bone, with marrow in its middle
    truth[3:5, 3:5, 3:5] = 50
    truth[8:10, 8:10, 8:10] = 900  # contrast agent, which is no bone
    bone = torch.zeros_like(truth, dtype=torch.bool)
    bone[2:6, 2:6, 2:6] = True
    options = {"bone": bone, "spacing": (2.0, 1.0, 1.0)}
    same = measure(truth, truth, truth > -1, synthrad2025(), **options)
    assert same["dice_bone"] == 1
    assert same["hd95_bone"] == 0
    shifted = torch.where(truth == 900, truth, torch.where(truth == 900, 0, truth).roll(1, 0))
    moved = measure(shifted, truth, truth > -1, synthrad2025(), **options)
    a, b = (x[:8] >= 200 for x in (shifted, truth))
    assert moved["dice_bone"] == pytest.approx(float(2 * (a & b).sum() / (a.sum() + b.sum())))
    assert moved["hd95_bone"] == pytest.approx(2.0)  # one voxel of 2 mm
    lost = measure(torch.where(truth > 200, 100.0, truth), truth, truth > -1, synthrad2025(), **options)
    assert lost["dice_bone"] == 0
    assert lost["hd95_bone"] == pytest.approx(math.dist((0, 0, 0), (24, 12, 12)))


def test_codebrain_is_a_batch_of_torchmetrics(case):
    torchmetrics = pytest.importorskip("torchmetrics.functional.image")
    prediction, truth, mask, _ = case
    found = measure(prediction, truth, mask, codebrain_ixi())
    batch = [x.clamp(0, 1).movedim(2, 0)[:, None].double() for x in (prediction, truth)]  # (slices, 1, X, Y)
    psnr = torchmetrics.peak_signal_noise_ratio(*batch, data_range=1.0)
    ssim = torchmetrics.structural_similarity_index_measure(*batch, data_range=1.0)
    assert found == pytest.approx({"psnr": float(psnr), "ssim": float(ssim)}, abs=1e-4)


def test_pairs_that_a_protocol_cannot_compare_are_left_out_and_told():
    pairs = parse_pairs("T1w:CT,CT:T1w", ["T1w", "CT"])
    kept, left_out = _suited(pairs, synthrad())
    assert [str(pair) for pair in kept] == ["T1w:CT"]
    assert left_out == ["CT:T1w is left out: its target is not in HU."]
    assert _suited(pairs, protocol("anysyn")) == (pairs, [])
    with pytest.raises(EvaluationError, match=r"'synthrad' compares in HU, which none of the targets \(T1w\) is in"):
        _suited(pairs[1:], synthrad())


def test_fields_that_came_later_count_in_the_digest_where_they_are_set():
    ours = protocol("anysyn")
    for change in ({"limits": "own"}, {"restored_to": "HU"}, {"outside": 0.0}, {"weights": "uniform"}):
        assert replace(ours, **change).digest != ours.digest
    assert ours.fields().keys() >= {"limits", "restored_to", "outside", "weights"}


def test_the_digests_given_out_before_stay():
    # Results are published under these: change the name with the rules.
    given = {"anysyn": "dcf4def8", "slices": "3aae0ee1", "omnisyn": "6b911005"}
    given |= {"tumsyn": "893610a4", "pmm": "8219f27f"}
    assert {name: protocol(name).digest for name in given} == given
