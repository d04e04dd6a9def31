"""Comparison of the methods of a table: against the statistics of each block."""

import math

import numpy as np
import pandas as pd
import pytest

from anysyn.errors import UserError
from anysyn.evaluation.tables.cases_table import case_row
from anysyn.evaluation.tables.significance import COLUMNS, compare
from anysyn.evaluation.tables.statistics import holm, paired_test

STAMP = ("anysyn", "ab12cd34")


def table(seed=0, methods=("ours", "unet", "copy"), subjects=9, pair=(("T1w",), "T2w")):
    rng = np.random.default_rng(seed)
    anatomy = np.random.default_rng(99).normal(size=subjects)
    values = {m: 30 + anatomy - 0.5 * i + 0.3 * rng.normal(size=subjects) for i, m in enumerate(methods)}
    rows = [
        case_row(f"sub-{s}", "A", m, *pair, STAMP, {"psnr": psnr, "mae": 1 / psnr})
        for m in methods
        for s, psnr in enumerate(values[m])
    ]
    return pd.DataFrame(rows)


def of(found, method, name="psnr"):
    return found[(found["method"] == method) & (found["metric"] == name)].iloc[0]


def test_each_block_by_hand():
    cases = table()
    found = compare(cases, generator=np.random.default_rng(0))
    assert list(found.columns) == list(COLUMNS)
    values = {m: part["psnr"].to_numpy() for m, part in cases.groupby("method", sort=False)}
    row = of(found, "unet")
    assert (row["mean"], row["sd"]) == pytest.approx((values["unet"].mean(), values["unet"].std(ddof=1)))
    assert row["low"] < row["mean"] < row["high"]
    raw = [paired_test(values["ours"], values[m]) for m in ("unet", "copy")]
    assert [of(found, m)["p"] for m in ("unet", "copy")] == pytest.approx(holm(raw))
    assert math.isnan(of(found, "ours")["p"])
    assert math.isnan(of(found, "ours", "mae")["p"]), "lower is better"
    assert (row["seeds"], math.isnan(row["seed_sd"])) == (1, True)


def test_the_order_of_the_rows_of_a_file_does_not_matter():
    cases = table()
    mixed = cases.sample(frac=1, random_state=0)
    whole, again = (
        compare(x, generator=np.random.default_rng(0)).set_index(["method", "metric"]) for x in (cases, mixed)
    )
    for name in ("mean", "sd", "p"):
        np.testing.assert_allclose(whole[name], again[name].reindex(whole.index))


def test_seeds_are_averaged_in_each_case_and_their_spread_is_told():
    runs = [table(seed) for seed in range(3)]
    found = compare(*runs, generator=np.random.default_rng(0))
    row = of(found, "ours")
    values = np.stack([run[run["method"] == "ours"]["psnr"].to_numpy() for run in runs])
    assert row["cases"] == 9
    assert (row["mean"], row["sd"]) == pytest.approx((values.mean(), values.mean(0).std(ddof=1)))
    assert (row["seeds"], row["seed_sd"]) == (3, pytest.approx(values.mean(1).std(ddof=1)))


def test_pairs_stand_alone_and_metrics_that_a_pair_lacks_are_left_out():
    other = table(pair=(("T1w", "T2w"), "CT")).assign(mae_hu=50.0)
    found = compare(pd.concat([table(), other]), generator=np.random.default_rng(0))
    assert set(found["pair"]) == {"T1w:T2w", "T1w+T2w:CT"}
    assert set(found[found["metric"] == "mae_hu"]["pair"]) == {"T1w+T2w:CT"}


def test_a_method_that_lacks_a_case():
    cases = table()
    cases = cases[~((cases["method"] == "copy") & (cases["subject"] == "sub-0"))]
    assert of(compare(cases, generator=np.random.default_rng(0)), "copy")["cases"] == 8


def test_protocols_are_not_mixed():
    with pytest.raises(UserError, match="cannot mix protocols"):
        compare(table(), table(1).assign(digest="other"), generator=np.random.default_rng(0))
