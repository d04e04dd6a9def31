"""ICC against the example of Shrout and Fleiss, and by simulation; Pearson against numpy and Fisher's transform."""

import math

import numpy as np
import pytest

from anysyn.evaluation.tables.reliability import intraclass_correlation, pearson

# Shrout and Fleiss 1979, Table 2: 6 targets, 4 judges. They print 0.29 for ICC(2,1) and 0.71 for ICC(3,1).
JUDGED = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


@pytest.mark.parametrize(
    ("form", "wanted"),
    [("agreement", (0.29, 0.02, 0.76)), ("consistency", (0.71, 0.34, 0.95))],  # intervals: psych's ICC on this table
)
def test_the_published_example(form, wanted):
    assert intraclass_correlation(JUDGED, form=form) == pytest.approx(wanted, abs=0.005)


def test_a_systematic_difference_lowers_the_agreement_alone():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=50)
    ratings = np.stack([truth, truth + 0.1 * rng.normal(size=50)], 1)
    shifted = np.stack([ratings[:, 0], ratings[:, 1] + 1.0], 1)
    same = [intraclass_correlation(x, form="consistency") for x in (ratings, shifted)]
    assert same[0] == pytest.approx(same[1])
    assert intraclass_correlation(ratings).value > intraclass_correlation(shifted).value + 0.2


@pytest.mark.parametrize("form", ["agreement", "consistency"])
def test_the_interval_covers_the_share_of_variance_between_subjects(form):
    rng = np.random.default_rng(1)
    found = [
        intraclass_correlation(rng.normal(size=(30, 1)) * 2 + rng.normal(size=(30, 2)), form=form) for _ in range(300)
    ]
    assert np.mean([one.value for one in found]) == pytest.approx(0.8, abs=0.02)  # 4 / (4 + 1)
    assert np.mean([one.low < 0.8 < one.high for one in found]) == pytest.approx(0.95, abs=0.03)


@pytest.mark.parametrize("form", ["agreement", "consistency"])
def test_perfect_and_undefined(form):
    assert intraclass_correlation([[1, 1], [2, 2], [3, 3]], form=form) == (1.0, 1.0, 1.0)
    assert all(math.isnan(x) for x in intraclass_correlation([[1, 1], [1, 1]], form=form))
    for wrong in ([[1, 2]], [[1], [2]], [1, 2], [[1, 2], [3, float("nan")]]):
        with pytest.raises(ValueError, match="at least 2 subjects"):
            intraclass_correlation(wrong, form=form)


def test_correlation_and_its_interval():
    a, b = np.random.default_rng(0).normal(size=(2, 20))
    b += a
    r = np.corrcoef(a, b)[0, 1]
    ends = np.tanh(np.arctanh(r) + np.array([-1, 1]) * 1.959964 / np.sqrt(17))
    assert pearson(a, b) == pytest.approx((r, *ends), abs=1e-6)


def test_a_correlation_that_is_not_defined():
    assert all(math.isnan(x) for x in pearson([1, 1, 1], [1, 2, 3]))
    assert math.isnan(pearson([1, 2, 3], [1, 2, 4]).low)
    with pytest.raises(ValueError, match="at least two pairs"):
        pearson([1, 2, 3], [1, 2])
