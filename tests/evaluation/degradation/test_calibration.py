"""The calibrator reaches the input PSNR that is asked for."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume
from anysyn.evaluation.degradation.calibration import calibrate
from anysyn.evaluation.degradation.corruptions import corrupted, input_psnr
from anysyn.evaluation.errors import EvaluationError
from anysyn.registry import names

# Input PSNR of OmniSyn, Table 6, internal test set: minor, moderate, severe.
PAPER = {
    "motion": (37.73, 26.83, 23.12),
    "downsampling": (28.90, 25.00, 22.69),
    "gaussian": (28.71, 19.89, 14.63),
    "rician": (27.83, 18.12, 11.62),
}


def scans(subjects=2, shape=(48, 56, 12)):
    """Return heads: an ellipsoid with texture in air."""
    places = np.stack(np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij"))
    found = []
    for seed in range(subjects):
        texture = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), (1.2, 1.2, 0.5))
        edge = 1 / (1 + np.exp(15 * ((places**2).sum(0) - 0.8)))
        head = edge * (0.3 + 2.0 * (texture - texture.min()))
        volume = Volume(torch.from_numpy(head).float(), np.diag([1.0, 1.0, 3.0, 1.0]))
        found.append((study_of({"T1w": volume}, key=f"sub-{seed}"), "T1w"))
    return found


def test_every_corruption_is_calibrated_here():
    assert set(PAPER) == set(names("corruption"))


@pytest.mark.parametrize(("name", "wanted"), [(name, psnr) for name, values in PAPER.items() for psnr in values])
def test_it_reaches_what_the_paper_had(name, wanted):
    held = scans()
    found = calibrate(name, wanted, held)
    again = [
        input_psnr(corrupted(study, [m], found.corruption).images[m], study.images[m], study.foreground)
        for study, m in held
    ]
    assert np.mean(again) == pytest.approx(wanted, abs=0.3)
    assert found.reached == pytest.approx((np.mean(again), np.std(again, ddof=1)))
    assert found.corruption.name == name


def test_what_no_level_reaches_is_an_error_that_says_what_is():
    with pytest.raises(EvaluationError, match=r"downsampling: no level has an input PSNR of 2 dB; it is from \d"):
        calibrate("downsampling", 2.0, scans(1))
    with pytest.raises(EvaluationError, match="no scan"):
        calibrate("gaussian", 20.0, [])
