"""Metrics of images in memory, against scikit-image and against those of an evaluation."""

from __future__ import annotations

import math
import warnings

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

import anysyn
from anysyn.errors import UserError
from anysyn.evaluation.metrics.protocol import protocol as protocol_named
from anysyn.registry import names

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


def test_the_psnr_up_to_a_factor_is_that_of_the_image_brought_to_the_scale_of_the_truth():
    dim, mask = NEAR / 7, TRUTH > 0.2
    scaled = anysyn.metrics.scaled_to(dim, TRUTH, mask=mask)
    assert anysyn.metrics.psnr_scaled(dim, TRUTH, mask=mask) == pytest.approx(
        anysyn.metrics.psnr(scaled, TRUTH, mask=mask), abs=1e-4
    )
    factor = np.sum(dim[mask] * TRUTH[mask]) / np.sum(dim[mask] ** 2)
    np.testing.assert_allclose(scaled, dim * factor, rtol=1e-6)
    assert anysyn.metrics.psnr(dim, TRUTH, mask=mask) < anysyn.metrics.psnr_scaled(dim, TRUTH, mask=mask) - 3


def test_an_image_brought_to_a_scale_keeps_its_kind_and_place():
    image = placed(5)
    scaled = anysyn.metrics.scaled_to(nib.Nifti1Image(np.asarray(image.dataobj) / 4, image.affine), image)
    assert type(scaled) is nib.Nifti1Image
    np.testing.assert_array_equal(scaled.affine, image.affine)
    np.testing.assert_allclose(scaled.get_fdata(), image.get_fdata(), rtol=1e-5)
    tensor = anysyn.metrics.scaled_to(torch.from_numpy(TRUTH)[None] / 4, torch.from_numpy(TRUTH)[None])
    assert tensor.shape == (1, *TRUTH.shape)
    assert tensor.dtype == torch.float32


WHOLE_VOLUMES = ["tumsyn", "unisyn", "codebrain-ixi", "brasyn"]


@pytest.mark.parametrize("protocol", names("protocol"))
def test_a_mask_changes_the_numbers_or_is_refused(protocol):
    mask, lesion = np.zeros(TRUTH.shape, bool), TRUTH > 0.9
    mask[3:9, :, 4:] = True
    part = {"lesion": lesion} if protocol_named(protocol).reads_lesion else {}
    images = [image.repeat(13, 0).repeat(12, 1).repeat(11, 2)[:170, :170, :170] for image in (NEAR, TRUTH, mask)]
    near, truth, mask = images if protocol == "synthrad2025" else (NEAR, TRUTH, mask)
    if protocol_named(protocol).restored_to:
        near, truth = 1000 * near, 1000 * truth
    if protocol in WHOLE_VOLUMES:
        with pytest.raises(UserError, match=f"mask: protocol '{protocol}' compares whole volumes, .* anysyn"):
            anysyn.metrics.compare(near, truth, mask=mask, protocol=protocol, **part)
        return
    whole = anysyn.metrics.compare(near, truth, protocol=protocol, **part)
    assert anysyn.metrics.compare(near, truth, mask=mask, protocol=protocol, **part)["psnr"] != whole["psnr"]


@pytest.mark.parametrize(("part", "protocol"), [("lesion", "brasyn"), ("bone", "synthrad2025")])
def test_a_mask_of_a_part_that_no_metric_uses_is_refused(part, protocol):
    with pytest.raises(UserError, match=rf"{part}: protocol 'anysyn' has no metric of .*: {protocol}$"):
        anysyn.metrics.compare(NEAR, TRUTH, **{part: TRUTH > 0.5})


def test_the_distance_of_bone_is_in_mm_of_the_image():
    truth = np.zeros((14, 15, 16))
    truth[4:8, 4:8, 4:8] = 900.0
    near = np.roll(truth, 1, 0)
    mine = anysyn.Protocol(name="bone", clip=(-1024.0, 3000.0), restored_to="HU", metrics=("hd95_bone",))
    images = [nib.Nifti1Image(image.astype(np.float32), np.diag([3.0, 1, 1, 1])) for image in (near, truth)]
    assert anysyn.metrics.compare(*images, bone=truth > 0, protocol=mine)["hd95_bone"] == pytest.approx(3.0)


def test_a_truth_in_another_unit_than_the_fixed_one_of_a_protocol_is_said():
    with pytest.warns(UserWarning, match=r"'omnisyn' clips to 0 to 1, and \d+% of the truth is beyond"):
        anysyn.metrics.compare(NEAR * 100, TRUTH * 100, protocol="omnisyn")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        anysyn.metrics.compare(NEAR, TRUTH, protocol="omnisyn")
        anysyn.metrics.compare(NEAR * 100, TRUTH * 100, protocol="anysyn")


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
