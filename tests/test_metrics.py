"""Metrics of images in memory, against scikit-image and against those of an evaluation."""

from __future__ import annotations

import math

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import anysyn
from anysyn.errors import UserError

TRUTH = np.random.default_rng(0).random((14, 15, 16))
NEAR = TRUTH + 0.1 * np.random.default_rng(1).standard_normal(TRUTH.shape)


def test_psnr_is_that_of_scikit_image():
    expected = peak_signal_noise_ratio(TRUTH, NEAR, data_range=1.0)
    assert anysyn.metrics.psnr(NEAR, TRUTH, data_range=1.0) == pytest.approx(expected)
    assert anysyn.metrics.psnr(TRUTH, TRUTH) == math.inf


def test_the_span_is_that_of_the_truth_where_it_is_compared():
    mask = TRUTH > 0.5
    own = anysyn.metrics.psnr(NEAR, TRUTH, mask=mask)
    assert own == anysyn.metrics.psnr(NEAR, TRUTH, mask=mask, data_range=float(np.ptp(TRUTH[mask])))


def test_ssim_is_that_of_scikit_image():
    options = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    expected = structural_similarity(TRUTH, NEAR, **options)
    assert anysyn.metrics.ssim(NEAR, TRUTH, data_range=1.0) == pytest.approx(expected, abs=1e-6)


def test_every_kind_of_image_gives_the_same():
    known = anysyn.metrics.mae(NEAR.astype(np.float32), TRUTH.astype(np.float32))
    kinds = (
        lambda a: torch.from_numpy(a)[None],
        lambda a: nib.Nifti1Image(a.astype(np.float32), np.eye(4)),
        lambda a: sitk.GetImageFromArray(a.transpose(2, 1, 0)),
    )
    for made in kinds:
        assert anysyn.metrics.mae(made(NEAR), made(TRUTH)) == pytest.approx(known, rel=1e-5)


def test_a_protocol_gives_all_its_metrics():
    scores = anysyn.metrics.compare(NEAR, TRUTH, protocol="anysyn", mask=torch.from_numpy(TRUTH > 0.1))
    assert scores["psnr"] > 15
    assert 0 < scores["ssim"] < 1


def placed(shift):
    affine = np.eye(4)
    affine[0, 3] = shift
    return nib.Nifti1Image(TRUTH.astype(np.float32), affine)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.psnr(NEAR[1:], TRUTH), "differ in shape; resample"),
        (lambda m: m.mae(placed(0), placed(5)), "lie at different places"),
        (lambda m: m.mae(NEAR * np.nan, TRUTH), "prediction: holds voxels that are not finite"),
        (lambda m: m.mae(NEAR, TRUTH, mask=TRUTH > 9), "mask: is empty"),
        (lambda m: m.mae(NEAR, TRUTH, mask=TRUTH[1:] > 0), "mask .* differ in shape"),
        (lambda m: m.psnr(NEAR, TRUTH * 0), "constant"),
        (lambda m: m.psnr(NEAR, TRUTH, data_range=-1), "data_range: -1"),
        (lambda m: m.ssim(NEAR[:5], TRUTH[:5]), "SSIM needs 11 voxels"),
        (lambda m: m.compare(NEAR, TRUTH, protocol="anysin"), "did you mean 'anysyn'"),
        (lambda m: m.compare(NEAR[0], TRUTH[0]), "compares volumes"),
        (lambda m: m.compare(NEAR, TRUTH * 0, protocol="tumsyn"), "constant"),
    ],
)
def test_mistakes_are_one_line(call, message):
    with pytest.raises(UserError, match=message) as raised:
        call(anysyn.metrics)
    assert "\n" not in str(raised.value)
