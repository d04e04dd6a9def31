"""Content: how alike encoders make one place in two modalities, beside other places and other people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch

from anysyn.evaluation.tables.format import number
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.content.alpha_beta import CONTRASTS
from anysyn.probes.content.alpha_beta_figure import contrast_figure
from anysyn.probes.content.likeness import ABOUT, MEASURES, SUMMARY, VALUES, WITH, summary_cells, summary_headings
from anysyn.probes.embeddings.report import about
from anysyn.probes.read_findings import Findings

COLUMNS = {
    "tiles": (*ABOUT, *VALUES),
    "pairs": ("encoder", "first", "second", "tiles", *VALUES),
    "summary": SUMMARY,
    "contrasts": CONTRASTS,
}
COLOURS = {"same": "C0", "other_slice": "#b5b5b5", "other_subject": "C1"}
DRAWN = ("same", "other_subject")  # as matrices


def content_section(findings: Findings) -> dict[str, Any]:
    """Gather what the page shows of the content.

    Args:
        findings: The tables ``tiles``, ``pairs``, ``summary`` and ``contrasts``.
    """
    tables = findings.tables
    contrasts, shares = tables["contrasts"], findings.record["explained variance"]
    return {
        "headings": [heading[0].upper() + heading[1:] for heading in summary_headings()],
        "summary": summary_cells(tables["summary"]),
        "boxes": box_figure(tables["tiles"], tables["summary"]),
        "matrices": matrix_figure(tables["pairs"]),
        "contrasts": contrast_figure(contrasts, shares) if len(contrasts) else None,
        **about(findings),
    }


def box_figure(tiles: pd.DataFrame, summary: pd.DataFrame) -> Picture:
    """Draw how alike two modalities of one place are for each encoder, beside other places and another subject.

    Args:
        tiles: Columns encoder, first, second and `VALUES`.
        summary: As `anysyn.probes.content.likeness.summary` returns it.

    Example:
        >>> row = {"encoder": "a", "first": "T1w", "second": "T2w"} | dict.fromkeys(VALUES, 0.5)
        >>> line = {"encoder": "a", "measure": "correlation", "same": 0.9, "other_slice": 0.2, "other_subject": 0.5}
        >>> box_figure(pd.DataFrame([row, row]), pd.DataFrame([line])).alt
        'Mean correlation of two modalities of one place, elsewhere, in another subject: a 0.90, 0.20, 0.50'
    """
    labels, apart = list(dict.fromkeys(tiles["encoder"])), tiles[tiles["first"] != tiles["second"]]
    figure = Figure(figsize=(10, 1.6 + 0.75 * len(labels)), layout="constrained")
    with chart_style():
        panels = figure.subplots(1, len(MEASURES), sharey=True)
        for axes, measure in zip(panels, MEASURES, strict=True):
            boxes(axes, apart, measure, labels)
        handles = [Patch(facecolor=COLOURS[name], label=WITH[name]) for name in WITH]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(WITH), frameon=False)
    rows = summary[summary["measure"] == MEASURES[0]]
    said = [f"{row['encoder']} {', '.join(number(row[name], 2) for name in WITH)}" for row in rows.to_dict("records")]
    what = f"Mean {MEASURES[0]} of two modalities of one place, elsewhere, in another subject"
    return chart(figure, f"{what}: {'; '.join(said)}")


def boxes(axes: Axes, tiles: pd.DataFrame, measure: str, labels: Sequence[str]) -> None:
    """Draw a box for each encoder and each thing that a place is compared with; the first encoder is on top.

    Args:
        axes: Where to draw.
        tiles: Rows of two modalities.
        measure: One of `MEASURES`.
        labels: The encoders in order.
    """
    for n, name in enumerate(WITH):
        values = [tiles.loc[tiles["encoder"] == label, f"{measure}_{name}"].dropna() for label in labels]
        drawn = axes.boxplot(
            values,
            positions=np.arange(len(labels)) + 0.26 * (n - 1),
            widths=0.2,
            orientation="horizontal",
            patch_artist=True,
            flierprops={"marker": ".", "ms": 2, "alpha": 0.4},
            medianprops={"color": "black"},
        )
        for box in drawn["boxes"]:
            box.set_facecolor(COLOURS[name])
    axes.axvline(0, color="black", lw=0.6)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(ylim=(len(labels) - 0.5, -0.5), xlim=(None, 1.02), xlabel=f"{measure} of features", title=measure)


def matrix_figure(pairs: pd.DataFrame) -> Picture:
    """Draw, for each encoder, how alike each two modalities are: of one place, and of that place in another subject.

    Args:
        pairs: Columns encoder, first, second and `VALUES`, a row for each two modalities in order.

    Example:
        >>> row = {"encoder": "a", "first": "T1w", "second": "T2w"} | dict.fromkeys(VALUES, 0.5)
        >>> matrix_figure(pd.DataFrame([row, row | {"second": "T1w"}])).alt
        'Likeness of the features of each two modalities, of one place and of two subjects: a'
    """
    labels, names = list(dict.fromkeys(pairs["encoder"])), list(dict.fromkeys([*pairs["first"], *pairs["second"]]))
    side = max(1.5, 0.42 * len(names) + 0.5)
    figure = Figure(figsize=(1.8 + 4 * (side + 0.1), 0.9 + len(labels) * (side + 0.1)), layout="constrained")
    with chart_style():
        columns = [(measure, name) for measure in MEASURES for name in DRAWN]
        panels = figure.subplots(len(labels), len(columns), squeeze=False, sharex=True, sharey=True)
        for row, label in zip(panels, labels, strict=True):
            for axes, (measure, name) in zip(row, columns, strict=True):
                drawn = matrix(axes, pairs[pairs["encoder"] == label], f"{measure}_{name}", names)
            row[0].set_ylabel(label.replace(", ", ",\n"), fontweight="bold", fontsize=8)
        for axes, (measure, name) in zip(panels[0], columns, strict=True):
            axes.set_title(f"{measure},\n{WITH[name]}", fontweight="normal", fontsize=8)
        figure.colorbar(drawn, ax=panels, shrink=min(1.0, 2.2 / len(labels)), aspect=25, label="mean over the places")
    return chart(
        figure,
        f"Likeness of the features of each two modalities, of one place and of two subjects: {', '.join(labels)}",
    )


def matrix(axes: Axes, pairs: pd.DataFrame, column: str, names: Sequence[str]) -> AxesImage:
    """Draw a value for each two modalities; what was not compared is left empty.

    Args:
        axes: Where to draw.
        pairs: Of one encoder.
        column: Which value.
        names: The modalities in order.
    """
    places = {name: n for n, name in enumerate(names)}
    table = np.full((len(names), len(names)), np.nan)
    for row in pairs.to_dict("records"):
        i, j = places[row["first"]], places[row["second"]]
        table[i, j] = table[j, i] = row[column]
    drawn = axes.imshow(table, vmin=-1, vmax=1, cmap="RdBu_r")
    for i, j in np.argwhere(~np.isnan(table)):
        dark = abs(table[i, j]) > 0.6
        axes.text(
            j, i, number(table[i, j], 2), ha="center", va="center", fontsize=7, color="white" if dark else "black"
        )
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=8)
    return drawn
