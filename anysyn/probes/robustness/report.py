"""Robustness: degradation curves, what is left of a synthesis over what was left of its sources."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anysyn.evaluation.tables.format import heading, number
from anysyn.figures.pictures import Picture, chart, chart_style, line_styles
from anysyn.probes.robustness.means import CLEAN

TEXT = "What is left of the syntheses when their sources are corrupted, on {where}; the truth is clean."
CAPTION = (
    "Mean over cases and pairs, over the PSNR of the sources themselves, worse to the right; dotted, the same with "
    "clean sources."
)


def degradation_curves(means: pd.DataFrame, name: str = "psnr") -> Picture:
    """Draw, for each corruption, a metric of the synthesis over the PSNR of the sources, a line for each method.

    Sources get worse to the right. The dotted line is the same method with clean sources.

    Args:
        means: Columns corruption, level, method, input_psnr and the metric: one row for each level, or for each level
            and pair, which are averaged. The corruption of clean sources is ``none``; they may be absent.
        name: The metric.

    Example:
        >>> row = {"corruption": "motion", "level": 2.0, "method": "model", "input_psnr": 25.0, "psnr": 24.0}
        >>> clean = row | {"corruption": "none", "level": 0.0, "input_psnr": float("nan"), "psnr": 28.0}
        >>> degradation_curves(pd.DataFrame([clean, row])).alt
        'PSNR (dB) ↑ with corrupted sources, the worst of each: motion model 24.00; clean sources: model 28.00'
    """
    corruptions = [corruption for corruption in dict.fromkeys(means["corruption"]) if corruption != CLEAN]
    looks = line_styles(list(dict.fromkeys(means["method"])))
    figure = Figure(figsize=(3.1 * max(1, len(corruptions)), 3.2), layout="constrained")
    with chart_style():
        panels = figure.subplots(1, max(1, len(corruptions)), squeeze=False, sharey=True)[0]
        clean = means[means["corruption"] == CLEAN].groupby("method", sort=False)[name].mean()
        for axes, corruption in zip(panels, corruptions, strict=False):
            _panel(axes, means[means["corruption"] == corruption], clean, name, looks)
            axes.set_title(corruption)
        panels[0].set_ylabel(heading(name))
        panels[0].legend(frameon=False)
    return chart(figure, _alt(means, clean, corruptions, name))


def _panel(axes: Axes, rows: pd.DataFrame, clean: pd.Series[float], name: str, looks: Any) -> None:
    for method, part in rows.groupby("method", sort=False):
        line = part.groupby("level")[["input_psnr", name]].mean()
        axes.plot(line["input_psnr"], line[name], ms=4, label=str(method), **looks[method])
        if method in clean:
            axes.axhline(clean[method], color=looks[method]["color"], lw=0.8, ls=":")
    axes.set_xlabel("PSNR of the sources (dB)")
    axes.invert_xaxis()
    axes.grid(lw=0.4, alpha=0.6)


def _alt(means: pd.DataFrame, clean: pd.Series[float], corruptions: list[str], name: str) -> str:
    digits = 2 if name == "psnr" else 3
    worst_of = []
    for corruption in corruptions:
        own = means[means["corruption"] == corruption]
        worst = own[own["level"] == own["level"].max()].groupby("method", sort=False)[name].mean()
        worst_of.append(
            f"{corruption} " + ", ".join(f"{method} {number(value, digits)}" for method, value in worst.items())
        )
    words = f"{heading(name)} with corrupted sources, the worst of each: {'; '.join(worst_of)}"
    known = ", ".join(f"{method} {number(value, digits)}" for method, value in clean.items())
    return f"{words}; clean sources: {known}" if known else words
