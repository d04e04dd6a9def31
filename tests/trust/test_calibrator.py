"""The calibrator finds the scale of errors that are drawn with a known one; intervals hold as much as they are to."""

import pytest
import torch

from anysyn.errors import UserError
from anysyn.trust.calibrate import calibrated
from anysyn.trust.calibrator import Errors, fit
from anysyn.trust.conformal import coverage, pooled_quantile

NAMES = ("T1w", "T2w")


def drawn(person, target, count=4000):
    """Return errors whose scale is twice the first kind of evidence for T1w, and five times for T2w."""
    generator = torch.Generator().manual_seed(sum(person.encode()) + target)
    evidence = torch.rand(count, 3, generator=generator) * 0.05 + 0.002
    scale = evidence[:, 0] * (2.0, 5.0)[target]
    uniform = torch.rand(count, generator=generator)
    return Errors(person, target, evidence, -scale * uniform.clamp(min=1e-9).log()), scale


def test_the_expected_error_is_the_scale_of_the_errors():
    known = [drawn(person, target)[0] for person in "abc" for target in (0, 1)]
    model = fit(known, targets=2, generator=torch.Generator().manual_seed(0), steps=600)
    for target in (0, 1):
        one, scale = drawn("z", target)
        expected = model(one.evidence, torch.full((len(scale),), target))
        assert (expected / scale).log().abs().mean() < 0.15
        assert torch.corrcoef(torch.stack([expected, scale]))[0, 1] > 0.97


def test_intervals_hold_their_share_of_people_who_were_left_out_and_of_new_ones():
    calibration = calibrated([drawn(p, t)[0] for p in "abcd" for t in (0, 1)], NAMES, level=0.9)
    assert calibration.people == 4
    for target, name in enumerate(NAMES):
        assert calibration.coverage[name] == pytest.approx(0.9, abs=0.01)
        one, scale = drawn("new", target)
        expected = calibration.calibrator(one.evidence, torch.full((len(scale),), target))
        assert coverage(one.error, expected, calibration.quantiles[name]) == pytest.approx(0.9, abs=0.03)


def test_one_person_is_too_few():
    with pytest.raises(UserError, match="1 people with two contrasts or more are too few"):
        calibrated([drawn("a", 0)[0]], NAMES, level=0.9)


def test_each_synthesis_weighs_the_same():
    small, large = torch.full((10,), 5.0), torch.full((10_000,), 1.0)
    assert pooled_quantile([small, large], 0.4) == 1.0
    assert pooled_quantile([small, large], 0.6) == 5.0
