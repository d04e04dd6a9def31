"""Summary of sweeps: does the contrast of a synthesis follow the true contrast of the requested setting?"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anysyn.evaluation.metrics.metrics import metric
from anysyn.evaluation.tables.format import heading, number
from anysyn.probes.metadata_sweep.measure import COPIED, ROW
from anysyn.probes.scanner_settings import sweep_label
from anysyn.probes.section import Grid

STILL = 1e-9  # a contrast that varies less than this does not vary
SHOWN = ("psnr", "ssim")  # metrics that a table shows, where the protocol has them
FOLLOWS = ("correlation", "correlation_within", "slope_within", "contrast_error")
CAPTION = (
    "The images, and whether their contrast follows the true one: correlation r over all rows; r and slope within "
    "subjects, once each subject's mean is taken away (1 follows it fully, 0 ignores it); mean absolute difference. "
    f'"{COPIED}" is the true image of the subject\'s own protocol at every value: all is right except the setting.'
)


def summarize_sweeps(rows: pd.DataFrame) -> pd.DataFrame:
    """Summarize, for each sweep and method, the image quality and how closely the contrast follows the true one.

    Args:
        rows: As `measure_sweep` returns them.

    Returns:
        Columns sweep, method, subjects, values, `FOLLOWS` and the mean of each metric. `FOLLOWS` are the correlation
        of synthesized and true contrast over all rows; the same, and the slope of synthesized over true, after each
        subject's mean is taken away from both; the mean absolute difference.

    Example:
        >>> row = {"sweep": "T1w:T2w:te", "method": "model", "subject": "sub-001"}
        >>> rows = [row | {"value": te, "contrast": c, "true_contrast": 2 * c} for te, c in ((60, 0.1), (90, 0.2))]
        >>> summarize_sweeps(pd.DataFrame(rows))[["correlation_within", "slope_within"]].round(9).values.tolist()
        [[1.0, 0.5]]
    """
    names = metric_names(rows)
    return pd.DataFrame(
        [
            {"sweep": sweep, "method": method, "subjects": part["subject"].nunique(), "values": part["value"].nunique()}
            | _follows(part)
            | {name: _mean(part[name].to_numpy(dtype=np.float64)) for name in names}
            for (sweep, method), part in rows.groupby(["sweep", "method"], sort=False)
        ]
    )


def metric_names(rows: pd.DataFrame) -> list[str]:
    """List the metrics among the columns of rows.

    Example:
        >>> metric_names(pd.DataFrame(columns=["sweep", "method", "psnr", "contrast"]))
        ['psnr']
    """
    return [name for name in rows.columns if name not in ROW]


def correlation(true: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return Pearson's correlation; 0 of a prediction that does not vary, which follows nothing.

    Args:
        true: (N,).
        predicted: (N,).

    Returns:
        NaN where the truth does not vary.

    Example:
        >>> correlation(np.array([1.0, 2.0, 3.0]), np.array([5.0, 5.0, 5.0]))
        0.0
    """
    if np.ptp(true) < STILL:
        return float("nan")
    return 0.0 if np.ptp(predicted) < STILL else float(np.corrcoef(true, predicted)[0, 1])


def slope(true: NDArray[np.float64], predicted: NDArray[np.float64]) -> float:
    """Return the slope of the line that fits predictions to truths best; NaN where the truth does not vary.

    Args:
        true: (N,).
        predicted: (N,).

    Example:
        >>> slope(np.array([1.0, 2.0, 3.0]), np.array([1.0, 1.5, 2.0]))
        0.5
    """
    x = true - true.mean()
    return float("nan") if np.ptp(true) < STILL else float(x @ (predicted - predicted.mean()) / (x @ x))


def centred(rows: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """Take each subject's mean away from a column.

    Args:
        rows: Column subject and the one named.
        name: The column.
    """
    return np.asarray(rows[name] - rows.groupby("subject")[name].transform("mean"), dtype=np.float64)


def summary_grid(summary: pd.DataFrame) -> Grid:
    """Write a summary for a reader.

    Args:
        summary: As `summarize_sweeps` returns it.
    """
    shown = [name for name in SHOWN if name in summary]
    headings = [*map(heading, shown), "r, all", "r, within", "slope, within", "contrast error"]
    cells = [
        [
            *(sweep_label(row["sweep"]), row["method"], str(row["subjects"])),
            *(number(row[name], metric(name).digits) for name in shown),
            *(number(row[name], 3) for name in FOLLOWS),
        ]
        for row in summary.to_dict("records")
    ]
    return Grid(["sweep", "method", "subjects", *headings], cells, caption=CAPTION, words=2)


def _mean(values: NDArray[np.float64]) -> float:
    finite = values[np.isfinite(values)]  # the PSNR of identical images is not
    return float(finite.mean() if len(finite) else values[0])


def _follows(part: pd.DataFrame) -> dict[str, Any]:
    true, predicted = (part[name].to_numpy(dtype=np.float64) for name in ("true_contrast", "contrast"))
    own_true, own_predicted = centred(part, "true_contrast"), centred(part, "contrast")
    values = (
        correlation(true, predicted),
        correlation(own_true, own_predicted),
        slope(own_true, own_predicted),
        float(np.abs(true - predicted).mean()),
    )
    return dict(zip(FOLLOWS, values, strict=True))
