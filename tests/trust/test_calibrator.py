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


def test_each_person_weighs_the_same_with_whatever_syntheses():
    small, large = torch.full((10,), 5.0), torch.full((10_000,), 1.0)
    for people in ([[small], [large]], [[small], [large, large, large]]):
        assert pooled_quantile(people, 0.4) == 1.0
        assert pooled_quantile(people, 0.6) == 5.0


def population(generator, count, spread):
    """Return scores of people: exponential, times a scale of the person; who errs more has more voxels."""
    scales = (spread * torch.randn(count, generator=generator)).exp()
    sizes = (40 * scales).long().clamp(10, 400)
    draws = [-torch.rand(int(size), generator=generator).clamp(min=1e-9).log() for size in sizes]
    return [scale * draw for scale, draw in zip(scales, draws, strict=True)]


def expected_coverage(quantile, spread):
    """Return the mean over people of the probability that a score is below, by quadrature over their scale."""
    deviations = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    weights = torch.exp(-(deviations**2) / 2)
    return float((weights * (1 - torch.exp(-quantile / torch.exp(spread * deviations)))).sum() / weights.sum())


@pytest.mark.parametrize(("people", "spread"), [(6, 0.2), (12, 0.4), (40, 0.6)])
def test_the_next_person_is_covered_as_asked_for_whoever_was_drawn(people, spread):
    """People are drawn, and their voxels; the coverage of the next one is known from the distribution itself."""
    generator = torch.Generator().manual_seed(people)
    held, by_voxel = [], []
    for _ in range(300):
        scores = population(generator, people, spread)
        held.append(expected_coverage(pooled_quantile([[one] for one in scores], 0.9), spread))
        by_voxel.append(expected_coverage(float(torch.cat(scores).quantile(0.9)), spread))
    mean = sum(held) / len(held)
    assert mean >= 0.9 * people / (people + 1) - 0.01
    assert mean == pytest.approx(0.9, abs=0.02)
    if spread > 0.3:
        assert sum(by_voxel) / len(by_voxel) > 0.915, "a quantile over voxels follows those who have most of them"
