"""Statistics against scipy, against counting by hand, and against published examples."""

import math
from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from anysyn.evaluation.tables.statistics import (
    against_best,
    best_row,
    bootstrap_interval,
    holm,
    paired_test,
    rank_agreement,
    summary,
)


def draws(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_mean_and_deviation_are_those_of_numpy():
    values = draws(20)
    assert summary(values) == pytest.approx((values.mean(), values.std(ddof=1)))


def test_identical_and_missing_cases_are_left_out():
    assert summary([1.0, float("nan"), 3.0, float("inf")]) == pytest.approx((2.0, math.sqrt(2)))
    assert summary([float("inf")] * 2).mean == float("inf")
    assert all(math.isnan(x) for x in summary([]))
    assert math.isnan(summary([2.0]).sd)


def test_the_interval_is_that_of_scipys_percentile_bootstrap():
    values = draws(30)
    found = bootstrap_interval(values, generator=np.random.default_rng(0), resamples=20_000)
    wanted = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    assert found == pytest.approx((wanted.low, wanted.high), abs=0.01)


def test_the_interval_covers_the_mean_as_often_as_it_says():
    generator = np.random.default_rng(0)
    ends = [bootstrap_interval(generator.normal(size=40), generator=generator, resamples=400) for _ in range(400)]
    assert np.mean([low < 0 < high for low, high in ends]) == pytest.approx(0.94, abs=0.03)


def test_fewer_cases_of_a_draw_widen_the_interval():
    values = draws(100)
    whole, part = (
        bootstrap_interval(values, generator=np.random.default_rng(0), resamples=4000, share=share)
        for share in (1.0, 0.25)
    )
    assert (part.high - part.low) / (whole.high - whole.low) == pytest.approx(2.0, abs=0.1)
    assert all(math.isnan(x) for x in bootstrap_interval([1.0], generator=np.random.default_rng(0)))


def rejected_by_holm(p, level):
    """Write the step-down procedure as Holm states it: stop at the first that is not significant."""
    order, found = sorted(range(len(p)), key=p.__getitem__), set()
    for step, index in enumerate(order):
        if p[index] > level / (len(p) - step):
            break
        found.add(index)
    return found


@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_holm_rejects_what_the_procedure_rejects(level):
    for seed in range(20):
        p = list(np.random.default_rng(seed).random(6) ** 3)
        assert {i for i, value in enumerate(holm(p)) if value <= level} == rejected_by_holm(p, level)


def test_holm_as_in_r():
    assert holm([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])  # p.adjust
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


def signed_rank_p(differences):
    """Count all signs of the ranks: the exact two-sided test without ties."""
    ranks = stats.rankdata(np.abs(differences))
    sums = np.array([ranks[np.array(signs)].sum() for signs in product([True, False], repeat=len(ranks))])
    own = ranks[differences > 0].sum()
    return min(1.0, 2 * min((sums <= own).mean(), (sums >= own).mean()))


@pytest.mark.parametrize("seed", range(5))
def test_the_test_counts_all_signs(seed):
    a, b = draws(2, 8, seed=seed)
    assert paired_test(a, b + 0.7) == pytest.approx(signed_rank_p(a - b - 0.7))
    assert paired_test(a, b) == paired_test(b, a)


def test_what_cannot_be_tested():
    assert paired_test([1.0, 2.0], [1.0, 2.0]) == 1.0
    assert math.isnan(paired_test([1.0, float("nan")], [2.0, 3.0]))
    assert math.isnan(paired_test([], []))
    assert paired_test([float("inf"), 1.0, 2.0], [float("inf"), 0.5, 1.5]) < 1.0
    with pytest.raises(ValueError, match="different lengths"):
        paired_test([1.0, 2.0], [1.0])


def test_rows_are_compared_with_the_best_in_the_direction_of_the_metric():
    cases = draws(12)
    rows = {"low": cases, "middle": cases + 0.5, "high": cases + 2 + 0.1 * draws(12, seed=1)}
    up, down = (against_best(rows, higher_is_better=better) for better in (True, False))
    assert math.isnan(up["high"])
    assert math.isnan(down["low"])
    raw = [paired_test(rows["high"], rows[name]) for name in ("low", "middle")]
    assert [up["low"], up["middle"]] == holm(raw)
    assert list(up) == list(rows)


def test_a_row_with_fewer_cases_is_not_the_best_but_tested_on_the_cases_it_has():
    nan = float("nan")
    rows = {"lucky": [9.0, nan, nan, nan, nan, nan], "whole": [5.0, 1.0, 2.0, 3.0, 4.0, 3.0], "part": [nan, *[0.5] * 5]}
    assert best_row(rows, higher_is_better=True) == "whole"
    found = against_best(rows, higher_is_better=True)
    assert math.isnan(found["lucky"])
    assert found["part"] == paired_test(rows["whole"][1:], rows["part"][1:])
    with pytest.raises(ValueError, match="none of the rows"):
        best_row({"a": [nan]}, higher_is_better=True)


@pytest.mark.parametrize("seed", range(5))
def test_agreement_counts_pairs_in_the_same_order(seed):
    ours, papers = (dict(zip("abcdef", values, strict=True)) for values in draws(2, 6, seed=seed))
    signs = [np.sign((ours[x] - ours[y]) * (papers[x] - papers[y])) for x, y in combinations("abcdef", 2)]
    assert rank_agreement(ours, papers) == pytest.approx(np.mean(signs))


def test_ties_and_rows_of_one_side():
    ours, papers = {"a": 1.0, "b": 1.0, "c": 2.0, "ours alone": 9.0}, {"a": 1.0, "b": 2.0, "c": 3.0, "x": 0.0}
    assert rank_agreement(ours, papers) == pytest.approx(2 / math.sqrt(2 * 3))  # tau-b: 2 concordant, one tie
    assert rank_agreement(papers, papers) == pytest.approx(1.0)
    assert math.isnan(rank_agreement({"a": 1.0}, papers))
    assert math.isnan(rank_agreement({"a": 1.0, "b": 1.0}, papers))
    assert math.isnan(rank_agreement({"a": 1.0, "b": float("nan")}, papers))
