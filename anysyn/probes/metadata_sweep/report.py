"""Metadata sweep: the true contrast and the synthesized one, setting by setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anysyn.evaluation.metrics.metrics import metric
from anysyn.evaluation.tables.format import number
from anysyn.figures.pictures import Picture, chart, chart_style, line_styles
from anysyn.probes.metadata_sweep.measure import COPIED
from anysyn.probes.metadata_sweep.summary import SHOWN, centred, metric_names
from anysyn.probes.scanner_settings import NAMES, UNITS, sweep_label
from anysyn.probes.section import Grid

GREY = "#8a8a8a"
TEXT = (
    "Whether an image looks as if it had been acquired with the requested setting, on {where}. Each subject is "
    "synthesized at values that the training did not see, though it saw smaller and larger ones; all else is as in the "
    "subject's own protocol. The truth is that very acquisition, simulated without noise."
)
CAPTION = (
    "Left, the contrast of cerebrospinal fluid to white matter, (F - W) / (F + W) of their mean intensities, over the "
    "requested value: mean over the subjects, shaded one standard deviation. Right, a mark for each subject and value: "
    "by how much the contrast differs from the subject's mean, in the synthesis and in truth; on the dotted line they "
    "agree."
)


def value_grid(rows: pd.DataFrame) -> Grid:
    """Average one metric of a sweep at each value: PSNR where the protocol has it.

    Args:
        rows: Of one sweep.

    Example:
        >>> row = {"sweep": "T1w:T2w:te", "method": "model", "key": "te", "value": 60.0, "psnr": 30.0}
        >>> value_grid(pd.DataFrame([row, row | {"psnr": 32.0}, row | {"value": 90.0}])).lines()
        ['PSNR (dB)  TE 60  TE 90', 'model      31.00  30.00']
    """
    names = metric_names(rows)
    name = next((one for one in SHOWN if one in names), names[0])
    means = rows.pivot_table(index="method", columns="value", values=name, sort=False).sort_index(axis=1)
    setting = NAMES[rows["key"].iloc[0]]
    cells = [[str(method), *(number(v, metric(name).digits) for v in values)] for method, *values in means.itertuples()]
    caption = f"{sweep_label(rows['sweep'].iloc[0])}: mean over the subjects at each value."
    return Grid([metric(name).label, *(f"{setting} {value:g}" for value in means.columns)], cells, caption=caption)


def sweep_figure(rows: pd.DataFrame, summary: pd.DataFrame) -> Picture:
    """Draw, for each sweep, the contrast over the requested values, and its change within subjects over the true one.

    Args:
        rows: As `measure_sweep` returns them.
        summary: As `summarize_sweeps` returns it.

    Example:
        >>> row = {"sweep": "T1w:T2w:te", "method": "model", "subject": "a", "key": "te", "target": "T2w"}
        >>> row |= {"contrast": 0.2, "true_contrast": 0.3}
        >>> rows = pd.DataFrame([row | {"value": 60.0}, row | {"value": 90.0, "true_contrast": 0.5}])
        >>> sweep_figure(rows, pd.DataFrame([row | {"correlation_within": 0.0, "slope_within": 0.0}])).alt
        'Slope of synthesized over true contrast within subjects (1 follows it fully): T1w → T2w, TE: model 0.00'
    """
    sweeps = list(dict.fromkeys(rows["sweep"]))
    methods = [method for method in dict.fromkeys(rows["method"]) if method != COPIED]
    styles: dict[str, dict[str, Any]] = line_styles(methods) | {COPIED: {"color": GREY, "ls": "--"}}
    figure = Figure(figsize=(9, 3.6 * len(sweeps)), layout="constrained")
    with chart_style():
        panels = figure.subplots(len(sweeps), 2, squeeze=False, width_ratios=[1.5, 1])
        for (left, right), sweep in zip(panels, sweeps, strict=True):
            own = rows[rows["sweep"] == sweep]
            over_values(left, own, styles)
            within_subjects(right, own, styles)
    slopes = [
        f"{sweep_label(str(sweep))}: "
        + ", ".join(f"{row['method']} {number(row['slope_within'], 2)}" for row in part.to_dict("records"))
        for sweep, part in summary.groupby("sweep", sort=False)
    ]
    title = "Slope of synthesized over true contrast within subjects (1 follows it fully)"
    return chart(figure, f"{title}: {'; '.join(slopes)}")


def over_values(axes: Axes, rows: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw the contrast over the values: the truth in black, the methods in colour, with the spread of the subjects.

    Args:
        axes: Where to draw.
        rows: Of one sweep.
        styles: By method.
    """
    methods = list(dict.fromkeys(rows["method"]))
    truth = rows[rows["method"] == methods[0]]  # every method has it
    _line(axes, truth, "true_contrast", "truth", color="black", marker="s", lw=1.8)
    for method in methods:
        _line(axes, rows[rows["method"] == method], "contrast", method, **styles[method])
    key = rows["key"].iloc[0]
    axes.set(title=sweep_label(rows["sweep"].iloc[0]), xlabel=f"requested {NAMES[key]} ({UNITS[key]})")
    axes.set_ylabel("contrast of fluid to white matter")
    axes.legend(frameon=False)


def within_subjects(axes: Axes, rows: pd.DataFrame, styles: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw by how much the contrast of a subject differs from its mean over the sweep, over the same of the truth.

    Args:
        axes: Where to draw.
        rows: Of one sweep.
        styles: By method.
    """
    reach = 1e-3
    for method, part in rows[rows["method"] != COPIED].groupby("method", sort=False):
        x, y = centred(part, "true_contrast"), centred(part, "contrast")
        axes.scatter(x, y, s=18, lw=0, alpha=0.7, **styles[str(method)])
        reach = max(reach, *abs(x), *abs(y))
    axes.axline((0, 0), slope=1, color="black", lw=1, ls=":")
    axes.set(title="change within a subject", xlabel="true change of contrast", ylabel="synthesized change")
    axes.set(xlim=(-1.1 * reach, 1.1 * reach), ylim=(-1.1 * reach, 1.1 * reach), aspect="equal")
    axes.locator_params(nbins=5)


def _line(axes: Axes, rows: pd.DataFrame, name: str, label: str, **style: Any) -> None:
    grouped = rows.groupby("value")[name]
    mean, spread = grouped.mean(), grouped.std().fillna(0)
    axes.plot(mean.index, mean, ms=4, label=label, **style)
    if label != COPIED:  # the spread of what the subjects' own protocols happen to be says nothing
        axes.fill_between(mean.index, mean - spread, mean + spread, color=style["color"], alpha=0.13, lw=0)
