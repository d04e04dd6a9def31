"""Robustness: degradation curves, what is left of a synthesis over what was left of its sources."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anysyn.evaluation.tables.format import heading, number
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.embeddings.report import about
from anysyn.probes.metadata_sweep.report import looks_of
from anysyn.probes.read_findings import Findings
from anysyn.probes.robustness.evaluate import ABOUT, CLEAN, shown_metrics, summary_cells, summary_headings

COLUMNS = {"summary": ABOUT}


def robustness_section(findings: Findings) -> dict[str, Any]:
    """Gather what the page shows of corrupted sources.

    Args:
        findings: The table ``summary``.
    """
    means = _read(findings.tables["summary"])
    headings = [words[0].upper() + words[1:] for words in summary_headings(means)]
    pictures = [degradation_curves(means, name) for name in shown_metrics(means)]
    return {"headings": headings, "summary": summary_cells(means), "pictures": pictures, **about(findings)}


def _read(means: pd.DataFrame) -> pd.DataFrame:
    """Read the empty cells of a file as numbers that are missing: which metrics there are only the protocol knows."""
    words = ("corruption", "pair", "method")
    means = means.copy()
    for name in means.columns.difference(list(words)):
        means[name] = pd.to_numeric(means[name].replace("", float("nan")))
    return means


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
    done = [corruption for corruption in dict.fromkeys(means["corruption"]) if corruption != CLEAN]
    looks = looks_of(list(dict.fromkeys(means["method"])))
    figure = Figure(figsize=(3.1 * max(1, len(done)), 3.2), layout="constrained")
    with chart_style():
        panels = figure.subplots(1, max(1, len(done)), squeeze=False, sharey=True)[0]
        clean = means[means["corruption"] == CLEAN].groupby("method", sort=False)[name].mean()
        for axes, corruption in zip(panels, done, strict=False):
            _panel(axes, means[means["corruption"] == corruption], clean, name, looks)
            axes.set_title(corruption)
        panels[0].set_ylabel(heading(name))
        panels[0].legend(frameon=False)
    return chart(figure, _alt(means, clean, done, name))


def _panel(axes: Axes, rows: pd.DataFrame, clean: pd.Series[float], name: str, looks: Any) -> None:
    for method, part in rows.groupby("method", sort=False):
        line = part.groupby("level")[["input_psnr", name]].mean()
        axes.plot(line["input_psnr"], line[name], ms=4, label=str(method), **looks[method])
        if method in clean:
            axes.axhline(clean[method], color=looks[method]["color"], lw=0.8, ls=":")
    axes.set_xlabel("PSNR of the sources (dB)")
    axes.invert_xaxis()
    axes.grid(lw=0.4, alpha=0.6)


def _alt(means: pd.DataFrame, clean: pd.Series[float], done: list[str], name: str) -> str:
    digits = 2 if name == "psnr" else 3
    said = []
    for corruption in done:
        own = means[means["corruption"] == corruption]
        worst = own[own["level"] == own["level"].max()].groupby("method", sort=False)[name].mean()
        said.append(
            f"{corruption} " + ", ".join(f"{method} {number(value, digits)}" for method, value in worst.items())
        )
    words = f"{heading(name)} with corrupted sources, the worst of each: {'; '.join(said)}"
    known = ", ".join(f"{method} {number(value, digits)}" for method, value in clean.items())
    return f"{words}; clean sources: {known}" if known else words
