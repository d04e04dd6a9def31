"""Means of a robustness probe: over the cases of each corruption, level, pair and method."""

from __future__ import annotations

import pandas as pd

from anysyn.evaluation.tables.cases_table import metrics_of
from anysyn.evaluation.tables.format import arrow, heading, number
from anysyn.evaluation.tables.statistics import summary
from anysyn.probes.section import Grid

CLEAN = "none"  # the corruption of sources that are as they are
ABOUT = {"corruption": str, "level": float, "pair": str, "method": str, "cases": int, "input_psnr": float}
SHOWN = ("psnr", "ssim")
CAPTION = (
    "The sources and the syntheses, mean ± standard deviation over cases. The PSNR of the sources is over the whole "
    "image, before any clipping."
)


def degraded_means(cases: pd.DataFrame) -> pd.DataFrame:
    """Average the cases of each corruption, level, pair and method.

    Args:
        cases: The table ``cases``.

    Returns:
        Columns `ABOUT`, and for each metric its mean and ``<metric>_sd``; the input PSNR is NaN for clean sources.

    Example:
        >>> row = {"subject": "a", "dataset": "x", "method": "model", "sources": "T1w", "target": "T2w"}
        >>> row |= {"protocol": "p", "digest": "d", "corruption": "motion", "level": 2.0}
        >>> row |= {"input_psnr": 25.0, "psnr": 30.0}
        >>> means = degraded_means(pd.DataFrame([row, row | {"subject": "b", "psnr": 32.0}]))
        >>> means[["corruption", "pair", "cases", "psnr"]].values.tolist()
        [['motion', 'T1w:T2w', 2, 31.0]]
    """
    measured = [name for name in metrics_of(cases) if name not in ABOUT]
    pairs = cases["sources"] + ":" + cases["target"]
    rows = []
    keys = ["corruption", "level", "pair", "method"]
    for key, part in cases.assign(pair=pairs).groupby(keys, sort=False):
        row = dict(zip(keys, key, strict=True)) | {"cases": len(part), "input_psnr": summary(part["input_psnr"]).mean}
        for name in measured:
            row[name], row[f"{name}_sd"] = summary(part[name])
        rows.append(row)
    return pd.DataFrame(rows)


def shown_metrics(means: pd.DataFrame) -> list[str]:
    """Name the metrics that are shown: PSNR and SSIM, or the first where there are neither.

    Example:
        >>> shown_metrics(pd.DataFrame(columns=[*ABOUT, "mae", "mae_sd", "psnr", "psnr_sd"]))
        ['psnr']
    """
    measured = [name for name in means.columns if f"{name}_sd" in means.columns]
    return [name for name in SHOWN if name in measured] or measured[:1]


def means_grid(means: pd.DataFrame) -> Grid:
    """Write the means for a reader.

    Args:
        means: As `degraded_means` returns them.
    """
    shown = shown_metrics(means)
    cells = [
        [
            row["corruption"] if row["corruption"] == CLEAN else f"{row['corruption']}={row['level']:g}",
            arrow(row["pair"]),
            str(row["method"]),
            str(row["cases"]),
            number(row["input_psnr"], 2),
            *(f"{number(row[name], 3)} ± {number(row[f'{name}_sd'], 3)}" for name in shown),
        ]
        for row in means.to_dict("records")
    ]
    return Grid(["corruption", "pair", "method", "cases", "input (dB)", *map(heading, shown)], cells, CAPTION, words=3)
