"""Significance: for each pair and metric, intervals over cases and tests of every method against the best."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from anysyn.evaluation.metrics.metrics import metric
from anysyn.evaluation.tables.cases_table import check_cases, metrics_of
from anysyn.evaluation.tables.statistics import against_best, bootstrap_interval, summary

CASE = ["dataset", "subject"]
COLUMNS = ("pair", "method", "metric", "cases", "mean", "sd", "low", "high", "p", "seeds", "seed_sd")
RESAMPLES = 1000


def compare(*runs: pd.DataFrame, generator: np.random.Generator, resamples: int = RESAMPLES) -> pd.DataFrame:
    """Compare the methods of a table.

    The values of a case are averaged over the seeds first, since cases are a sample of a population and seeds are not.

    Args:
        runs: Cases as `case_row` writes them, one table for each seed of the training.
        generator: Draws the cases of the bootstrap.
        resamples: Number of bootstrap resamples.

    Returns:
        A row for each pair, method and metric. ``cases`` have a finite value; ``low`` and ``high`` are the 95 %
        bootstrap interval of the mean; ``p`` is that of `TEST`, NaN for the best method; ``seed_sd`` is the standard
        deviation of the seeds' means, NaN for one seed.

    Raises:
        UserError: If the tables mix protocols, or there is none.

    Example:
        >>> row = {"subject": "a", "dataset": "x", "method": "ours", "sources": "T1w", "target": "T2w"}
        >>> row |= {"protocol": "anysyn", "digest": "ab12", "psnr": 30.0}
        >>> rows = [row, row | {"subject": "b", "psnr": 31.0}]
        >>> rows += [case | {"method": "copy", "psnr": case["psnr"] - 9} for case in rows]
        >>> compare(pd.DataFrame(rows), generator=np.random.default_rng(0))[["method", "mean", "p"]].values.tolist()
        [['ours', 30.5, nan], ['copy', 21.5, 0.5]]
    """
    cases = check_cases(pd.concat([run.assign(seed=n) for n, run in enumerate(runs)] if runs else [pd.DataFrame()]))
    cases = cases.assign(pair=cases["sources"] + ":" + cases["target"])
    names = [name for name in metrics_of(cases) if name not in ("seed", "pair")]
    rows = [
        row
        for pair, block in cases.groupby("pair", sort=False)
        for name in names
        if block[name].notna().any()
        for row in _compared(str(pair), block, name, generator, resamples)
    ]
    return pd.DataFrame(rows, columns=[*COLUMNS])


def _compared(
    pair: str, block: pd.DataFrame, name: str, generator: np.random.Generator, resamples: int
) -> Iterator[dict[str, object]]:
    """Yield a row for each method of a pair that has a value of the metric."""
    by_case = block.pivot_table(index=CASE, columns="method", values=name, aggfunc="mean", sort=False, dropna=False)
    values = {str(m): by_case[m].to_numpy(dtype=float) for m in by_case.columns if by_case[m].notna().any()}
    p = against_best(values, higher_is_better=metric(name).higher_is_better)
    for method in dict.fromkeys(block["method"]):
        if method in values:
            own = block[block["method"] == method].groupby("seed")[name]
            spread = summary(values[method])
            interval = bootstrap_interval(values[method], generator=generator, resamples=resamples)
            means = [summary(of_seed).mean for _, of_seed in own]
            about = {"pair": pair, "method": method, "metric": name, "cases": int(np.isfinite(values[method]).sum())}
            numbers = {**spread._asdict(), **interval._asdict(), "p": p[method]}
            yield about | numbers | {"seeds": len(means), "seed_sd": summary(means).sd}
