"""Sweep: the contrast that was asked for and the one that came, setting by setting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anysyn.evaluation.metrics.metrics import metric
from anysyn.evaluation.tables.format import number
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.embeddings.report import about
from anysyn.probes.metadata_sweep.measure import ABOUT, CONTRASTS, COPIED
from anysyn.probes.metadata_sweep.summary import FOLLOWS, SHOWN, centred, metric_names, summary_cells, summary_headings
from anysyn.probes.read_findings import Findings
from anysyn.probes.scanner_settings import NAMES, UNITS, spoken

COLUMNS = {"sweep": (*ABOUT, *CONTRASTS), "summary": ("sweep", "method", "subjects", *FOLLOWS)}
GREY = "#8a8a8a"
SHAPES = "o^Dv*X"


def sweep_section(findings: Findings) -> dict[str, Any]:
    """Gather what the page shows of sweeps.

    Args:
        findings: The tables ``sweep`` and ``summary``.
    """
    rows, summary = findings.tables["sweep"], findings.tables["summary"]
    return {
        "headings": [heading[0].upper() + heading[1:] for heading in summary_headings(summary)],
        "summary": summary_cells(summary),
        "picture": sweep_figure(rows, summary),
        "values": [value_table(rows[rows["sweep"] == sweep]) for sweep in dict.fromkeys(rows["sweep"])],
        "copied": COPIED,
        **about(findings),
    }


def value_table(rows: pd.DataFrame) -> dict[str, Any]:
    """Average one metric of a sweep at each value: PSNR where the protocol has it.

    Args:
        rows: Of one sweep.

    Example:
        >>> row = {"sweep": "T1w:T2w:te", "method": "model", "key": "te", "value": 60.0, "psnr": 30.0}
        >>> table = value_table(pd.DataFrame([row, row | {"psnr": 32.0}, row | {"value": 90.0}]))
        >>> table["headings"], table["rows"]
        (['PSNR (dB)', 'TE 60', 'TE 90'], [['model', '31.00', '30.00']])
    """
    names = metric_names(rows)
    name = next((one for one in SHOWN if one in names), names[0])
    means = rows.pivot_table(index="method", columns="value", values=name, sort=False).sort_index(axis=1)
    setting = NAMES[rows["key"].iloc[0]]
    return {
        "sweep": spoken(rows["sweep"].iloc[0]),
        "headings": [metric(name).label, *(f"{setting} {value:g}" for value in means.columns)],
        "rows": [
            [str(method), *(number(v, metric(name).digits) for v in values)] for method, *values in means.itertuples()
        ],
    }


def sweep_figure(rows: pd.DataFrame, summary: pd.DataFrame) -> Picture:
    """Draw, for each sweep, the contrast over the values asked for, and its change in a subject beside the true one.

    Args:
        rows: As `swept` writes them.
        summary: As `obedience` returns it.

    Example:
        >>> row = {"sweep": "T1w:T2w:te", "method": "model", "subject": "a", "key": "te", "target": "T2w"}
        >>> row |= {"contrast": 0.2, "true_contrast": 0.3}
        >>> rows = pd.DataFrame([row | {"value": 60.0}, row | {"value": 90.0, "true_contrast": 0.5}])
        >>> sweep_figure(rows, pd.DataFrame([row | {"correlation_within": 0.0, "slope_within": 0.0}])).alt
        'Contrast asked for and found, slope within subjects (1 is obedience): T1w → T2w, TE: model 0.00'
    """
    sweeps = list(dict.fromkeys(rows["sweep"]))
    looks = looks_of(list(dict.fromkeys(rows["method"])))
    figure = Figure(figsize=(9, 3.6 * len(sweeps)), layout="constrained")
    with chart_style():
        panels = figure.subplots(len(sweeps), 2, squeeze=False, width_ratios=[1.5, 1])
        for (left, right), sweep in zip(panels, sweeps, strict=True):
            own = rows[rows["sweep"] == sweep]
            over_values(left, own, looks)
            within_subjects(right, own, looks)
    said = [
        f"{spoken(str(sweep))}: "
        + ", ".join(f"{row['method']} {number(row['slope_within'], 2)}" for row in part.to_dict("records"))
        for sweep, part in summary.groupby("sweep", sort=False)
    ]
    return chart(figure, f"Contrast asked for and found, slope within subjects (1 is obedience): {'; '.join(said)}")


def looks_of(methods: list[str]) -> dict[str, dict[str, Any]]:
    """Give each method a colour and a shape; what copies is grey.

    Args:
        methods: In order.

    Example:
        >>> [look["marker"] for look in looks_of(["model", "label"]).values()]
        ['o', '^', '']
    """
    able = [method for method in methods if method != COPIED]
    looks = {method: {"color": f"C{n % 10}", "marker": SHAPES[n % len(SHAPES)]} for n, method in enumerate(able)}
    return looks | {COPIED: {"color": GREY, "marker": ""}}


def over_values(axes: Axes, rows: pd.DataFrame, looks: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw the contrast over the values: the truth in black, the methods in colour, with the spread of the subjects.

    Args:
        axes: Where to draw.
        rows: Of one sweep.
        looks: By method.
    """
    methods = list(dict.fromkeys(rows["method"]))
    truth = rows[rows["method"] == methods[0]]  # it stands in the rows of every method
    _line(axes, truth, "true_contrast", "truth", color="black", marker="s", lw=1.8)
    for method in methods:
        dashed = {"ls": "--"} if method == COPIED else {}
        _line(axes, rows[rows["method"] == method], "contrast", method, **looks[method], **dashed)
    key = rows["key"].iloc[0]
    axes.set(title=spoken(rows["sweep"].iloc[0]), xlabel=f"{NAMES[key]} asked for ({UNITS[key]})")
    axes.set_ylabel("contrast of fluid to white matter")
    axes.legend(frameon=False)


def within_subjects(axes: Axes, rows: pd.DataFrame, looks: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw by how much the contrast of a subject differs from its mean over the sweep, beside the truth's difference.

    Args:
        axes: Where to draw.
        rows: Of one sweep.
        looks: By method.
    """
    reach = 1e-3
    for method, part in rows[rows["method"] != COPIED].groupby("method", sort=False):
        x, y = centred(part, "true_contrast"), centred(part, "contrast")
        axes.scatter(x, y, s=18, lw=0, alpha=0.7, **looks[str(method)])
        reach = max(reach, *abs(x), *abs(y))
    axes.axline((0, 0), slope=1, color="black", lw=1, ls=":")
    axes.set(title="change within a subject", xlabel="true change of contrast", ylabel="change found")
    axes.set(xlim=(-1.1 * reach, 1.1 * reach), ylim=(-1.1 * reach, 1.1 * reach), aspect="equal")
    axes.locator_params(nbins=5)


def _line(axes: Axes, rows: pd.DataFrame, name: str, label: str, **look: Any) -> None:
    grouped = rows.groupby("value")[name]
    mean, spread = grouped.mean(), grouped.std().fillna(0)
    axes.plot(mean.index, mean, ms=4, label=label, **look)
    if label != COPIED:  # the spread of what the subjects' own protocols happen to be says nothing
        axes.fill_between(mean.index, mean - spread, mean + spread, color=look["color"], alpha=0.13, lw=0)
