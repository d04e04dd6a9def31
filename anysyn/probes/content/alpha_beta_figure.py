"""Alpha and beta of acquisitions, drawn as principal components and over TE and TR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.content.alpha_beta import COHORT, KEYS, PARTS
from anysyn.probes.scanner_settings import NAMES, UNITS

SIGNS = {"alpha": "α", "beta": "β"}
SHAPES = "osD^vP*Xph"
STROKES = {"te": "-", "tr": "--"}  # of the paths of the sweeps


def alpha_beta_figure(table: pd.DataFrame, shares: Mapping[str, Sequence[float]]) -> Picture:
    """Draw alpha and beta of the cohort's acquisitions by modality, and how they follow TE and TR.

    Args:
        table: As `anysyn.probes.content.alpha_beta.project_alpha_beta` writes it.
        shares: By part, the share of the variance along each component, and between modalities.

    Example:
        >>> row = {"of": "cohort", "modality": "T2w", "te": 90.0, "tr": 4000.0, "alpha_1": 0.1, "alpha_2": 0.0}
        >>> row |= {"beta_1": 0.2, "beta_2": 0.1}
        >>> shares = {"alpha": [0.9, 0.1, 0.8], "beta": [0.7, 0.2, 0.6]}
        >>> alpha_beta_figure(pd.DataFrame([row, row | {"of": "te", "te": 60.0}]), shares).alt
        'Principal components of alpha (100 % of the variance) and beta (90 %) of 1 acquisitions, and over TE'
    """
    keys = [key for key in KEYS if (table["of"] == key).any()]
    looks = _looks(list(dict.fromkeys(table["modality"])))
    figure = Figure(figsize=(9, 3.6 + 2.9 * len(keys)), layout="constrained")
    with chart_style():
        panels = figure.subplots(1 + len(keys), len(PARTS), squeeze=False, height_ratios=[1.25, *(1 for _ in keys)])
        for column, part in zip(panels.T, PARTS, strict=True):
            draw_plane(column[0], table, part, looks, shares[part])
            for axes, key in zip(column[1:], keys, strict=True):
                draw_setting(axes, table, part, key, looks)
        handles = [Line2D([], [], ls="", label=name, **look) for name, look in looks.items()]
        figure.legend(handles=handles, loc="outside upper center", ncols=min(len(looks), 8), frameon=False)
    spans = {part: f"{100 * sum(shares[part][:2]):.0f} %" for part in PARTS}
    count, over = int((table["of"] == COHORT).sum()), " and ".join(NAMES[key] for key in keys)
    what = f"Principal components of alpha ({spans['alpha']} of the variance) and beta ({spans['beta']})"
    return chart(figure, f"{what} of {count} acquisitions" + (f", and over {over}" if keys else ""))


def draw_plane(
    axes: Axes, table: pd.DataFrame, part: str, looks: Mapping[str, Mapping[str, Any]], shares: Sequence[float]
) -> None:
    """Draw acquisitions in the plane of two components, with the path of each sweep.

    Args:
        axes: Where to draw.
        table: Rows of the cohort and of sweeps.
        part: ``alpha`` or ``beta``.
        looks: By modality.
        shares: Of the variance along each component.
    """
    for of, rows in table.groupby("of", sort=False):
        for name, own in rows.groupby("modality", sort=False):
            x, y, look = own[f"{part}_1"], own[f"{part}_2"], looks[str(name)]
            if of == COHORT:
                axes.scatter(x, y, s=22, lw=0, alpha=0.75, **look)
            else:
                axes.plot(x, y, color=look["color"], lw=0.9, alpha=0.7, ls=STROKES[str(of)], zorder=0)
    first, second = (
        f"{SIGNS[part]}, component {n} ({100 * share:.0f} %)" for n, share in zip((1, 2), shares, strict=False)
    )
    axes.set(title=f"{SIGNS[part]} of every acquisition", xlabel=first, ylabel=second)


def draw_setting(axes: Axes, table: pd.DataFrame, part: str, key: str, looks: Mapping[str, Mapping[str, Any]]) -> None:
    """Draw the first component over a setting: lines if it alone varies, marks for the cohort's acquisitions.

    Args:
        axes: Where to draw.
        table: Rows of the cohort and of sweeps.
        part: ``alpha`` or ``beta``.
        key: The setting.
        looks: By modality.
    """
    cohort, sweep = (table[table["of"] == of] for of in (COHORT, key))
    for name, look in looks.items():
        own, line = cohort[cohort["modality"] == name], sweep[sweep["modality"] == name]
        axes.scatter(own[key], own[f"{part}_1"], s=12, lw=0, alpha=0.45, **look)
        axes.plot(line[key], line[f"{part}_1"], color=look["color"], ls=STROKES[key], lw=1.6)
    axes.set_xscale("log")
    wide = cohort[key].max() > 100 * cohort[key].min()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3) if wide else (1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(title=f"{SIGNS[part]} over {NAMES[key]}", xlabel=f"{NAMES[key]} ({UNITS[key]})")
    axes.set_ylabel(f"{SIGNS[part]}, component 1")


def _looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {name: {"color": f"C{n % 10}", "marker": SHAPES[n % len(SHAPES)]} for n, name in enumerate(names)}
