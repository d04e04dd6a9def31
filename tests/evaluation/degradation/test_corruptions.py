"""Corruptions: what each one does, that it is drawn alike, and that the truth stays as it is."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import ndimage, stats

from anysyn.data.geometry.itk_resampling import antialiasing
from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume
from anysyn.evaluation.degradation.corruptions import (
    SEVERITIES,
    Corruption,
    Downsampling,
    Gaussian,
    Motion,
    Rician,
    corrupted,
    corruption,
    input_psnr,
    kind_of,
)
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.evaluate import evaluate
from anysyn.registry import names

KINDS = names("corruption")
SPACING = (1.0, 1.0, 2.0)


def study(scale=1.0, offset=0.0, shape=(24, 26, 14)):
    """Return two images of smooth tissue in air, which is 0."""
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    inside = np.sqrt((places**2).sum(0)) < 0.8
    rng = np.random.default_rng(0)
    images = {
        name: scale * inside * (0.5 + 0.4 * ndimage.zoom(rng.random((6, 6, 4)), np.divide(shape, (6, 6, 4)), order=1))
        for name in ("T1w", "T2w")
    }
    volumes = {
        name: Volume(torch.from_numpy(offset + x).float(), np.diag([*SPACING, 1.0])) for name, x in images.items()
    }
    return replace(study_of(volumes, key="sub-01"), foreground=torch.from_numpy(inside))


def applied(how, image, seed=0):
    return how.applied(image, spacing=SPACING, generator=np.random.default_rng(seed))


def left(whole, how, seed=0):
    shown = corrupted(whole, ["T1w"], how, seed=seed).images["T1w"]
    return input_psnr(shown, whole.images["T1w"], whole.foreground)


@pytest.mark.parametrize("name", KINDS)
def test_a_higher_severity_leaves_less(name):
    whole = study()
    found = [left(whole, corruption(f"{name}={severity}")) for severity in SEVERITIES]
    assert found == sorted(found, reverse=True)
    assert found[0] > found[-1] + 2
    assert all(math.isfinite(value) for value in found)


@pytest.mark.parametrize("name", KINDS)
def test_it_is_the_same_whatever_else_is_corrupted(name):
    whole, how = study(), corruption(f"{name}=moderate")
    alone, both = (corrupted(whole, sources, how) for sources in (["T2w"], ["T1w", "T2w"]))
    assert torch.equal(alone.images["T2w"], both.images["T2w"])
    assert torch.equal(alone.images["T1w"], whole.images["T1w"])
    assert not torch.equal(both.images["T1w"], whole.images["T1w"])
    assert both.images["T1w"].dtype == torch.float32


@pytest.mark.parametrize("name", sorted({*KINDS} - {"downsampling"}))
def test_another_seed_subject_or_modality_draws_anew(name):
    whole, how = study(), corruption(f"{name}=severe")
    alike = replace(whole, images=dict.fromkeys(("T1w", "T2w"), whole.images["T1w"]))
    found = corrupted(alike, ["T1w", "T2w"], how).images
    assert not torch.equal(found["T1w"], found["T2w"])
    for other in (corrupted(alike, ["T1w"], how, seed=1), corrupted(replace(alike, key="sub-02"), ["T1w"], how)):
        assert not torch.equal(other.images["T1w"], found["T1w"])


@pytest.mark.parametrize("name", KINDS)
def test_the_unit_of_the_images_does_not_matter(name):
    how = corruption(f"{name}=severe")
    whole = left(study(), how)
    assert left(study(scale=900.0), how) == pytest.approx(whole, abs=0.01)
    assert left(study(scale=2000.0, offset=-1000.0), how) == pytest.approx(whole, abs=0.01)


@pytest.mark.parametrize("level", [0.0367, 0.1, 0.19])
def test_the_psnr_of_gaussian_noise_is_known(level):
    assert left(study(), Gaussian(level=level)) == pytest.approx(-20 * math.log10(level), abs=0.1)


@pytest.mark.parametrize("signal", [0.0, 0.2, 1.0])
def test_rician_noise_has_the_rice_distribution(signal):
    noisy = applied(Rician(level=0.1), torch.full((30, 30, 10), signal)).flatten().numpy()
    assert stats.kstest(noisy, stats.rice(signal / 0.1, scale=0.1).cdf).pvalue > 0.01


def test_downsampling_is_a_gaussian_every_third_voxel_and_linear_interpolation():
    image = torch.rand(12, 15, 3, generator=torch.Generator().manual_seed(0))
    wanted = image.double().numpy()
    for axis, length in ((0, 12), (1, 15)):
        smooth = ndimage.gaussian_filter1d(wanted, float(antialiasing(3.0)), axis=axis, mode="nearest", truncate=4.0)
        centres = np.arange(1, length, 3)
        wanted = np.apply_along_axis(lambda v, at=centres, n=length: np.interp(np.arange(n), at, v[at]), axis, smooth)
    np.testing.assert_allclose(applied(Downsampling(level=3.0), image).numpy(), wanted, atol=1e-5)


@pytest.mark.parametrize("level", [1.4, 2.0, 3.7])
def test_downsampling_shifts_nothing(level):
    ramp = torch.arange(40.0).reshape(-1, 1, 1).expand(40, 40, 2)
    torch.testing.assert_close(applied(Downsampling(level=level), ramp)[8:-8], ramp[8:-8], atol=1e-3, rtol=0)


def test_motion_leaves_the_centre_of_k_space_as_it_is():
    image = study().images["T1w"]
    moved = applied(Motion(level=5.0), image)
    before, after = (torch.fft.fftshift(torch.fft.fftn(x.double())) for x in (image, moved))
    lines = [
        ((a - b).abs().max() / a.abs().max()).item() for a, b in zip(before.unbind(1), after.unbind(1), strict=True)
    ]
    assert lines[13] < 1e-3, "the line through the centre"
    assert max(lines) > 1e-2


class Turns:
    """Draw turns alone, about the left-right axis."""

    def uniform(self, low, high, size):
        drawn = np.zeros(size)
        if len(size) == 3:
            drawn[1, :, 0] = 1.0
        return drawn


def test_the_head_turns_about_its_middle():
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in (20, 20, 20)), indexing="ij"))
    ball = torch.from_numpy(1 / (1 + np.exp(12 * ((places**2).sum(0) - 0.4)))).float()
    turned = Motion(level=40.0).applied(ball, spacing=(1.0, 1.0, 1.0), generator=Turns())
    assert (turned - ball).abs().max() < 0.05
    off = ball.roll(4, 2)
    assert (Motion(level=40.0).applied(off, spacing=(1.0, 1.0, 1.0), generator=Turns()) - off).abs().max() > 0.1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gausian=0.1", "did you mean 'gaussian'"),
        ("gaussian", "gaussian=severe or gaussian=0.1"),
        ("gaussian=sever", "did you mean 'severe'"),
        ("gaussian=-1", "from 0.0001 to 10"),
        ("gaussian=nan", "from 0.0001 to 10"),
        ("downsampling=0.5", "edge of the new voxels"),
    ],
)
def test_what_cannot_be_read_is_one_line(text, message):
    with pytest.raises(EvaluationError, match=message) as caught:
        corruption(text)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", KINDS)
def test_every_corruption_goes_by_its_name_and_reads_what_it_writes(name):
    kind = kind_of(name)
    assert kind.name == name
    how = kind(level=kind.severities[1])
    assert corruption(str(how)) == how == corruption(f"{name} = moderate") == corruption(how)
    assert isinstance(how, Corruption)
    assert kind.severities == tuple(sorted(kind.severities))


def test_an_evaluation_corrupts_what_is_shown_and_measures_it(run, tmp_path):
    """A network that copies answers with what it was shown."""
    result = evaluate(run, out=tmp_path, pairs="T1w:T2w,T1w:FLAIR", corruption="gaussian=0.1")
    assert not result.failures
    inputs = pd.read_csv(tmp_path / "inputs.csv")
    assert list(inputs["modality"]) == ["T1w"] * inputs["subject"].nunique(), "noted once for both pairs"
    assert inputs["input_psnr"].mean() == pytest.approx(20, abs=0.2)
    assert {"psnr", "ssim", "protocol", "digest"} <= set(inputs.columns)
    by_method = result.cases.groupby("method")["psnr"].mean()
    assert by_method["model"] == pytest.approx(by_method["source copied"], abs=0.2)
    assert "The sources were corrupted: gaussian=0.1." in (tmp_path / "table.md").read_text()
    assert '"corruption": "gaussian=0.1"' in (tmp_path / "protocol.json").read_text()
    good = evaluate(run, out=tmp_path, pairs="T1w:T2w,T1w:FLAIR", overwrite=True)
    clean = good.cases.groupby("method")["psnr"].mean()
    assert all(abs(by_method[method] - clean[method]) > 0.01 for method in clean.index), "the regression sees it, too"
    assert not (tmp_path / "inputs.csv").exists()
    assert good.inputs.empty


def test_corrupted_sources_may_be_thick_slices_too(run, tmp_path):
    both = evaluate(run, out=tmp_path / "both", pairs="T1w:T2w", corruption="gaussian=0.1", degrade="axis=2,factor=2")
    one = evaluate(run, out=tmp_path / "one", pairs="T1w:T2w", corruption="gaussian=0.1")
    assert not both.failures
    assert not np.allclose(both.inputs["input_psnr"], one.inputs["input_psnr"])


def test_a_corruption_that_does_not_exist_is_told_before_the_work(run, tmp_path):
    with pytest.raises(EvaluationError, match="no corruption named"):
        evaluate(run, out=tmp_path / "never", corruption="fog=0.1")
    assert not (tmp_path / "never").exists()


def test_without_torchio_motion_names_the_extra_before_an_image_is_read(monkeypatch):
    monkeypatch.setattr("anysyn.evaluation.degradation.corruptions.find_spec", lambda name: None)
    with pytest.raises(EvaluationError, match=r"pip install 'anysyn\[motion\]'"):
        corruption("motion=severe")
