"""Scores: the headline and the verdict say what the tables say."""

import math

import pandas as pd
import pytest

from anysyn.evaluation.tables.cases_table import case_row, margins, summarise
from anysyn.reporting.distributions import distributions
from anysyn.reporting.scores import blocks, headline, tables, verdict

STAMP = ("anysyn", "ab12")


def cases(scores):
    """Write cases from {pair: {method: [psnr of each subject]}}; SSIM is PSNR / 100."""
    rows = [
        case_row(f"s{i}", "A", method, [pair[0]], pair[1], STAMP, {"psnr": value, "ssim": value / 100})
        for pair, methods in scores.items()
        for method, values in methods.items()
        for i, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def two():
    return cases({"ab": {"model": [30, 32], "copy": [28, 28]}, "ba": {"model": [20, 22], "copy": [25, 25]}})


def test_the_headline_is_the_mean_and_its_margin(two):
    model, over = headline(summarise(two), margins(two), ["psnr", "ssim"])
    assert (model.value, model.label, model.more) == ("26.00 dB", "PSNR of the model", "SSIM 0.2600; mean of 4 cases")
    assert (over.value, over.label) == ("-0.50 dB", "over copy")
    assert over.more == "SSIM -0.0050; better on 1 of 2 pairs"


def test_the_verdict_names_what_is_lost(two):
    expected = "By PSNR, the model is better than every baseline on 1 of 2 pairs. It is not on b → a (copy -4.00)."
    assert verdict(margins(two), "psnr") == expected


def test_an_equal_score_is_not_better():
    even = cases({"ab": {"model": [30.0], "copy": [30.0]}})
    assert "0 of 1 pair" in verdict(margins(even), "psnr")


def test_one_pair_is_its_own_mean():
    one = cases({"ab": {"model": [30.0, 40.0], "copy": [20.0, 20.0]}})
    model, over = headline(summarise(one), margins(one), ["psnr"])
    assert (model.value, over.value) == ("35.00 dB", "+15.00 dB")
    assert verdict(margins(one), "psnr").endswith("on 1 of 1 pair.")


def test_a_model_without_baselines_has_a_headline():
    alone = cases({"ab": {"model": [30.0]}})
    assert len(headline(summarise(alone), margins(alone), ["psnr"])) == 1
    assert verdict(margins(alone), "psnr") == "No baseline stands beside the model."


def test_the_table_marks_the_best_of_each_pair_and_the_mean_of_all(two):
    first, second, mean = blocks(summarise(two), ["psnr", "ssim"])
    assert [cell.best for _, _, cells in first.rows for cell in cells] == [True, True, False, False]
    assert [cell.best for _, _, cells in second.rows for cell in cells] == [False, False, True, True]
    assert (first.pair, first.last, mean.pair, mean.last) == ("a → b", False, "all pairs", True)
    assert (first.rows[0][2][0].mean, first.rows[0][2][0].sd) == ("31.00", "1.41")


def test_a_single_case_has_no_deviation():
    (block,) = blocks(summarise(cases({"ab": {"model": [30.0]}})), ["psnr"])
    assert block.rows[0][2][0].sd == ""


def test_a_metric_of_some_pairs_stands_in_a_table_of_its_own():
    both = cases({"ab": {"model": [30.0, 32.0]}, "ac": {"model": [20.0, 22.0]}})
    both.loc[both["target"] == "c", "mae_hu"] = [40.0, 42.0]
    whole, some = tables(summarise(both), ["psnr", "ssim", "mae_hu"])
    assert whole.headings == ("PSNR (dB) ↑", "SSIM ↑")
    assert [block.pair for block in whole.blocks] == ["a → b", "a → c", "all pairs"]
    assert some.headings == ("MAE (HU) ↓",)
    assert [block.pair for block in some.blocks] == ["a → c", "all pairs"]
    alone = both[both["target"] == "c"]
    assert len(tables(summarise(alone), ["psnr", "ssim", "mae_hu"])) == 1


@pytest.mark.parametrize("count", [1, 4, 5, 80])  # dots, dots and a box, a box
def test_distributions_of_any_number_of_cases(count):
    values = [20.0 + i / 10 for i in range(count)]
    drawn = distributions(cases({"ab": {"model": values, "copy": [math.inf, *values]}}), ["psnr", "ssim"])
    assert f"a → b, model {pd.Series(values).median():.2f}; a → b, copy" in drawn.alt


def test_a_method_whose_scores_are_all_infinite_has_no_median():
    drawn = distributions(cases({"ab": {"model": [math.inf], "copy": [20.0]}}), ["psnr"])
    assert drawn.alt.endswith("the medians: a → b, copy 20.00.")
