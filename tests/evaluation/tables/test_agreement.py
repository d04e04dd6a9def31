"""Agreement against scipy, and against the published example of Shrout and Fleiss."""

import math

import numpy as np
import pytest
from scipy import stats

from anysyn.evaluation.tables.agreement import icc, icc_of, pearson

SHROUT_AND_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_pearson_is_that_of_scipy_with_its_interval():
    rng = np.random.default_rng(0)
    a = rng.standard_normal(20)
    b = a + rng.standard_normal(20)
    found, wanted = pearson([*a, np.nan], [*b, 1.0]), stats.pearsonr(a, b)
    assert found.value == pytest.approx(wanted.statistic)
    assert found.interval == pytest.approx(tuple(wanted.confidence_interval()))
    assert found.cases == 20


def test_icc_of_the_published_example():
    found = icc_of(SHROUT_AND_FLEISS)  # 0.29, 0.019 to 0.761: R's psych::ICC prints the same
    assert found.value == pytest.approx(0.2898, abs=1e-4)
    assert found.interval == pytest.approx((0.0188, 0.7611), abs=1e-4)


def test_a_shift_lowers_the_icc_and_leaves_pearson():
    rng = np.random.default_rng(1)
    a = rng.standard_normal(30)
    b = a + 0.1 * rng.standard_normal(30)
    assert icc(a, b).value == pytest.approx(pearson(a, b).value, abs=0.01)
    assert icc(a, b + 1).value < icc(a, b).value - 0.2
    assert pearson(a, b + 1).value == pytest.approx(pearson(a, b).value)
    assert icc(a, a).interval == (1, 1)


def test_too_few_cases_have_no_value():
    assert math.isnan(pearson([1.0, 2.0], [1.0, 2.0]).value)
    assert math.isnan(icc([1.0], [1.0]).value)
    assert math.isnan(pearson([1.0] * 4, [1.0, 2.0, 3.0, 4.0]).value)
    with pytest.raises(ValueError, match="different lengths, 1 and 2"):
        pearson([1.0], [1.0, 2.0])


def test_subjects_that_do_not_differ_have_no_interval():
    found = icc([3.0, 3.0, 3.0], [2.0, 2.0, 2.0])
    assert found.value == 0
    assert all(math.isnan(end) for end in found.interval)
