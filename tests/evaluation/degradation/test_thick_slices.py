from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy import ndimage

from anysyn.data.prepare import Pipeline, Resample
from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume
from anysyn.evaluation.cases import Cases
from anysyn.evaluation.degradation.thick_slices import Degradation, brought_back, degraded, parse_degradation
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.evaluate import evaluate


def study(shape=(12, 14, 18), spacing=(1.0, 1.0, 2.0)):
    rng = np.random.default_rng(0)
    images = {name: torch.from_numpy(rng.random(shape, dtype=np.float32) + 1) for name in ("T1w", "T2w")}
    return study_of({name: Volume(image, np.diag([*spacing, 1.0])) for name, image in images.items()})


def test_it_is_a_gaussian_and_then_every_third_voxel():
    whole = study()
    found = degraded(whole, ["T1w"], Degradation(axis=2, factor=3, fwhm=2))
    assert list(found.images) == list(found.acquisitions) == ["T1w"]
    smooth = ndimage.gaussian_filter1d(whole.images["T1w"].numpy(), 2 / 2.354820045, axis=2, mode="nearest")
    np.testing.assert_allclose(found.images["T1w"].numpy(), smooth[:, :, 1::3], atol=1e-5)
    assert found.grid.spacing == (1.0, 1.0, 6.0)
    np.testing.assert_allclose(found.affine[:3, 3], (0, 0, 2))  # the centre of the first three voxels of 2 mm
    assert found.foreground.all()


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("factor", [1.0, 1.7, 3.0])
def test_ramps_stay_where_they_are(axis, factor):
    """A ramp in world coordinates is a ramp on any grid, so that a shift of half a voxel would show."""
    whole = study()
    places = torch.arange(whole.grid.shape[axis]).float().reshape([-1 if a == axis else 1 for a in range(3)])
    whole.images["T1w"][:] = whole.affine[axis, axis] * places
    coarse = degraded(whole, ["T1w"], Degradation(axis=axis, factor=factor, fwhm=1.5))
    line = coarse.images["T1w"].movedim(axis, 0)[:, 0, 0].double().numpy()
    expected = coarse.affine[axis, 3] + coarse.affine[axis, axis] * np.arange(len(line))
    np.testing.assert_allclose(line[2:-2], expected[2:-2], atol=1e-4)
    back = brought_back(coarse, whole)["T1w"]
    assert back.shape == whole.grid.shape
    inner = slice(6, -6)
    a, b = (image.movedim(axis, 0)[inner] for image in (back, whole.images["T1w"]))
    torch.testing.assert_close(a, b, atol=1e-3, rtol=0)


def test_a_factor_of_one_without_a_filter_changes_nothing():
    whole = study()
    same = degraded(whole, ["T1w"], Degradation(axis=1, factor=1.0))
    torch.testing.assert_close(same.images["T1w"], whole.images["T1w"])
    assert torch.equal(torch.from_numpy(same.affine), torch.from_numpy(whole.affine))


@pytest.mark.parametrize(
    "text",
    ["", "axis=2", "factor=2", "axis=2,factor=x", "axis=2,factor=2,width=1", "axis=3,factor=2", "axis=1.5,factor=2"],
)
def test_what_cannot_be_read_is_one_line(text):
    with pytest.raises(EvaluationError, match="axis") as caught:
        parse_degradation(text)
    assert len(str(caught.value).splitlines()) == 1
    for wrong in ({"factor": 0.5}, {"fwhm": -1.0}, {"factor": float("nan")}):
        with pytest.raises(EvaluationError, match="factor from 1 up"):
            Degradation(**({"axis": 0, "factor": 2.0} | wrong))


def psnr(result, method):
    return result.cases[result.cases["method"] == method]["psnr"].mean()


def test_sources_get_worse_and_the_truth_does_not(run, tmp_path):
    """A network that copies scores like the baseline that copies, whatever was degraded; both lose by it."""
    good = evaluate(run, out=tmp_path / "good", pairs="T1w:T2w")
    whole = run.model.batch.images.shape[2:]
    assert psnr(good, "model") == pytest.approx(psnr(good, "source copied"), abs=0.2)
    for axis in range(3):
        how = f"axis={axis},factor=3,fwhm=2"
        poor = evaluate(run, out=tmp_path / how, pairs="T1w:T2w", degrade=how)
        assert not poor.failures
        shape = run.model.batch.images.shape[2:]
        assert shape == tuple(round(n / 3) if a == axis else n for a, n in enumerate(whole))
        assert run.model.batch.available.all(0).tolist() == [True, False, False], "the truth is not shown"
        assert not run.model.batch.images[:, 1:].any()
        assert psnr(poor, "model") == pytest.approx(psnr(poor, "source copied"), abs=0.2)
        assert psnr(poor, "model") < psnr(good, "model")
        assert how in (tmp_path / how / "protocol.json").read_text()
        assert f"The sources were degraded: {how}." in (tmp_path / how / "table.md").read_text()


class ShownRun:
    """Keeps what it is asked to synthesize from."""

    hardware = SimpleNamespace(device=torch.device("cpu"))

    def __init__(self, *steps):
        self.pipeline = Pipeline(steps)

    def predict(self, study, sources, targets, batch, onto):
        self.shown, self.onto = study, onto
        return dict.fromkeys(targets)


@pytest.mark.parametrize(
    ("steps", "spacing"),
    [((), (1, 1, 6)), ((Resample(spacing=(1, 1, 2)),), (1, 1, 2)), ((Resample(spacing=(1, 1, None)),), (1, 1, 6))],
)
def test_a_network_that_resamples_sees_what_its_preparation_would_make(tmp_path, steps, spacing):
    run, whole, how = ShownRun(*steps), study(), Degradation(axis=2, factor=3)
    settings = {"protocol": None, "baselines": {}, "batch": 1, "examples": {}, "folder": tmp_path}
    cases = Cases(run=run, degradation=how, **settings)
    cases._predict(whole, ["T1w"], ["T2w"])
    assert run.shown.grid.spacing == spacing
    assert run.onto.shape == whole.grid.shape
