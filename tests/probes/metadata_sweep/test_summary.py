"""The summary of sweeps against scipy."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from anysyn.probes.metadata_sweep.summary import centred, correlation, slope, summarize_sweeps


def rows_of(seed=0, subjects=5, values=4):
    rng = np.random.default_rng(seed)
    rows = [
        {"sweep": "T1w:T2w:te", "method": method, "subject": f"sub-{s}", "dataset": "A", "sources": "T1w"}
        | {"target": "T2w", "key": "te", "value": 60.0 + 20 * v, "own": 80.0, "psnr": rng.uniform(20, 30)}
        | {"contrast": 0.7 * c + offset + 0.01 * rng.standard_normal(), "true_contrast": c + 0.1 * s}
        for method, offset in (("model", 0.1), ("label", 0.0))
        for s in range(subjects)
        for v, c in enumerate(np.linspace(0, 0.4, values))
    ]
    return pd.DataFrame(rows)


def test_correlations_and_slopes_are_those_of_scipy():
    rows = rows_of()
    table = summarize_sweeps(rows).set_index("method")
    part = rows[rows["method"] == "model"]
    assert table.loc["model", "correlation"] == pytest.approx(
        stats.pearsonr(part["true_contrast"], part["contrast"])[0]
    )
    within = part.groupby("subject")[["true_contrast", "contrast"]].transform(lambda column: column - column.mean())
    fit = stats.linregress(within["true_contrast"], within["contrast"])
    assert table.loc["model", "correlation_within"] == pytest.approx(fit.rvalue)
    assert table.loc["model", "slope_within"] == pytest.approx(fit.slope)
    assert table.loc["model", "correlation_within"] > table.loc["model", "correlation"] + 0.05
    assert table.loc["model", "contrast_error"] == pytest.approx(
        (part["contrast"] - part["true_contrast"]).abs().mean()
    )
    assert table.loc["label", "psnr"] == pytest.approx(rows[rows["method"] == "label"]["psnr"].mean())


def test_what_does_not_vary_follows_nothing_whatever_rounding_says():
    rows = rows_of().assign(contrast=lambda part: part["subject"].str[-1].astype(float) / 3)  # one for each subject
    assert np.abs(centred(rows, "contrast")).max() < 1e-12
    table = summarize_sweeps(rows)
    assert (table["correlation_within"] == 0).all()
    assert (table["slope_within"].abs() < 1e-12).all()


def test_a_truth_that_does_not_vary_has_no_correlation():
    still, moving = np.ones(4), np.arange(4.0)
    assert np.isnan(correlation(still, moving))
    assert np.isnan(slope(still, moving))
    assert correlation(moving, -moving) == pytest.approx(-1)


def test_an_identical_image_does_not_make_the_mean_infinite():
    rows = rows_of()
    rows.loc[0, "psnr"] = np.inf
    assert np.isfinite(summarize_sweeps(rows)["psnr"]).all()
