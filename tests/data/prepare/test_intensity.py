from __future__ import annotations

import numpy as np
import pytest
import torch

from anysyn.data.errors import VolumeError
from anysyn.data.prepare import Clamp, Nonnegative, Rescale, TypicalWindows, ZScore
from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume, read_volume


def study(name, inside, background=0.0):
    """Put tissue of these values into a box of background."""
    image = torch.full((12, 12, 12), background)
    image[2:10, 2:10, 2:10] = inside
    return study_of({name: Volume(image, np.eye(4))}, key="sub-01")


TISSUE = 200 + 100 * torch.rand(8, 8, 8, generator=torch.Generator().manual_seed(0))


def test_percentiles_are_those_of_the_foreground():
    scaled, _ = Rescale(upper=90.0, lower=10.0).forward(study("T1w", TISSUE))
    np.testing.assert_allclose(scaled.windows["T1w"], np.percentile(TISSUE, [10, 90]), rtol=1e-6)


def test_percentiles_may_be_those_of_the_whole_volume_and_what_is_beyond_them_cut():
    whole = study("T1w", TISSUE)
    image = whole.images["T1w"].numpy()
    scaled, _ = Rescale(upper=99.0, lower=1.0, over="volume").forward(whole)
    low, high = np.percentile(image, [1, 99])
    np.testing.assert_allclose(scaled.windows["T1w"], (low, high), rtol=1e-6)
    clamped = Clamp().forward(scaled)[0].images["T1w"].numpy()
    np.testing.assert_allclose(clamped, (np.clip(image, low, high) - low) / (high - low), atol=1e-6)
    assert float(scaled.images["T1w"].max()) > 1


def test_clamping_waits_for_a_scale_and_leaves_ct():
    with pytest.raises(ValueError, match="clamp comes after rescale"):
        Clamp().forward(study("T1w", TISSUE))
    wide = Rescale(windows={"CT": (0, 100)}).forward(study("CT", TISSUE, background=-1000.0))[0]
    assert torch.equal(Clamp().forward(wide)[0].images["CT"], wide.images["CT"])


def test_zero_stays_zero_and_nothing_is_clipped():
    scaled, _ = Rescale(upper=50.0).forward(study("T1w", TISSUE))
    assert scaled.images["T1w"].min() == 0
    assert scaled.images["T1w"].max() > 1
    assert scaled.air("T1w") == 0


def test_z_scores_are_those_of_the_foreground():
    scaled, _ = ZScore().forward(study("T1w", TISSUE))
    inside = scaled.images["T1w"][scaled.foreground]
    assert float(inside.mean()) == pytest.approx(0, abs=1e-4)
    assert float(inside.std(correction=0)) == pytest.approx(1, abs=1e-4)
    assert scaled.air("T1w") == pytest.approx(float(scaled.images["T1w"][0, 0, 0]))


@pytest.mark.parametrize("step", [Rescale(), ZScore()])
def test_ct_has_one_window_for_all(step):
    for tissue in (TISSUE, TISSUE - 500):
        scaled, _ = step.forward(study("CT", tissue, background=-1000.0))
        assert scaled.windows["CT"] == (-1024, 3071)
        assert scaled.air("CT") == pytest.approx(24 / 4095)


def test_a_recipe_may_choose_the_window():
    scaled, _ = Rescale(windows={"ct": (-160, 240)}).forward(study("CT", TISSUE, background=-1000.0))
    assert scaled.windows["CT"] == (-160, 240)


def test_negatives_of_splines_go_and_those_of_ct_stay():
    for name, lowest in (("T1w", 0.0), ("FDG-PET", 0.0), ("CT", -0.3)):
        clamped, undo = Nonnegative().forward(study(name, TISSUE / 10, background=-0.3))
        assert float(clamped.images[name].min()) == pytest.approx(lowest)
        assert undo(clamped) is clamped


@pytest.mark.parametrize("share", ["z-score", "-1 to 1", "z-score of all"])
def test_mri_that_lies_below_zero_is_refused_and_not_cut(share):
    scaled = {
        "z-score": lambda t: (t - t.mean()) / t.std(),
        "-1 to 1": lambda t: 2 * (t - 100) / 200 - 1,
        "z-score of all": lambda t: t - 280,
    }[share](TISSUE)
    signed = study("T2w", scaled, background=-1.0 if share == "-1 to 1" else 0.0)
    with pytest.raises(VolumeError, match=r"sub-01: T2w: \d\d% of its intensity lies below 0.*lower: 0\.5") as caught:
        Nonnegative().forward(signed)
    assert len(str(caught.value).splitlines()) == 1
    for remedy in (Rescale(lower=0.5), ZScore()):
        remedied, undo = remedy.forward(signed)
        torch.testing.assert_close(undo(remedied).images["T2w"], signed.images["T2w"])


def test_what_splines_left_in_real_images_is_no_reason(shared):
    for folder in ("ms_brain_1mm/sub-07", "ms_brain_1mm/sub-26", "glioma_brain_1mm/TCGA-DU-7294"):
        for path in sorted((shared / folder).glob("[TF]*.nii.gz")):
            image = read_volume(path)
            below = image.voxels.double().clamp(max=0).sum() / image.voxels.double().abs().sum()
            assert -2e-4 < float(below) <= 0
            Nonnegative().forward(study_of({path.name.split(".")[0]: image}))


def test_a_mask_is_no_image():
    with pytest.raises(VolumeError, match="mask"):
        ZScore().forward(study("T1w", 1.0))


def test_images_are_rescaled_once():
    once, _ = Rescale().forward(study("T1w", TISSUE))
    with pytest.raises(ValueError, match="twice"):
        ZScore().forward(once)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Rescale(upper=101),
        lambda: Rescale(upper=10, lower=20),
        lambda: Rescale(lower=-1.0),
        lambda: ZScore(windows={"CT": (10, 10)}),
        lambda: Rescale(windows={"TC": (0, 10)}),
    ],
)
def test_windows_that_are_none_are_refused(make):
    with pytest.raises(ValueError, match=r"prepare|modality"):
        make()


def test_typical_windows_are_medians_and_survive_json():
    seen = [("A", {"T1w": (0.0, 10.0), "CT": (-1.0, 1.0)}), ("A", {"T1w": (0.0, 20.0)}), ("B", {"T1w": (2.0, 90.0)})]
    typical = TypicalWindows.learned(seen)
    assert typical.windows("A")["T1w"] == (0, 15)
    assert typical.windows("B")["T1w"] == (2, 90)
    assert typical.windows("B")["CT"] == (-1, 1)
    assert typical.windows("new")["T1w"] == (0, 20)
    assert typical.windows()["ADC"] == (0, 3000)
    assert "T2w" not in typical.windows()
    assert TypicalWindows.from_json(typical.to_json()) == typical


def test_a_real_adc_map_in_another_unit_and_with_negatives(shared):
    raw = study_of({"ADC": read_volume(shared / "stroke_dwi_adc" / "sub-strokecase0001" / "ADC.nii.gz")})
    scaled, _ = Rescale().forward(Nonnegative().forward(raw)[0])
    assert scaled.images["ADC"].min() == 0
    assert 0.2 < float(scaled.images["ADC"][scaled.foreground].median()) < 0.5  # grey and white matter: 0.7 to 1.2e-3
