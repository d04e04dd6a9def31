"""Content, drawn: likeness of one place in two modalities, beside other places and other people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch

from anysyn.evaluation.tables.format import number
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.probes.content.likeness import MEASURES, SHARES, WITH
from anysyn.probes.section import Grid

COLOURS = {"same": "C0", "other_slice": "#b5b5b5", "other_subject": "C1"}
DRAWN = ("same", "other_subject")  # as matrices
TEXT = (
    "Whether an encoder computes the same features of a place from every modality, on {where}. The features of two "
    "modalities are compared inside the foreground, channel by channel, at the same place, at other places of the "
    "subject, and at the same place in another subject. Correlation ignores the scale and the offset of a channel, "
    "concordance does not."
)
CAPTIONS = {
    "summary": "Two modalities: means over places and pairs, and how often one place is more alike than other places "
    'of the subject, or than the same place in another subject. "contrast left on": the features before the last scale '
    "and shift on the encoder's side.",
    "boxes": "Every place and every pair of modalities. A box holds the middle half of them; its line is the median.",
    "matrices": "Means over the places. If the features are free of contrast, one place is alike in all modalities, "
    "and two subjects are no more alike in one modality than in two.",
    "alpha beta": "What the network multiplies the features of a target by, α, and adds, β: two principal components "
    "of each. Marks are the acquisitions of all subjects. Lines are one acquisition of each modality in which TE "
    "(solid) or TR (dashed) alone varies, over the range of the cohort.",
}


def summary_grid(summary: pd.DataFrame) -> Grid:
    """Write the means over all tiles for a reader.

    Args:
        summary: As `anysyn.probes.content.likeness.summarise_tiles` returns it.

    Example:
        >>> row = {"encoder": "a", "measure": "correlation"} | dict.fromkeys((*WITH, *SHARES), 0.5)
        >>> summary_grid(pd.DataFrame([row | {"above_other_slice": float("nan")}])).cells
        [['a', 'correlation', '0.500', '0.500', '0.500', '-', '50.0 %']]
    """
    headings = ["encoder", "measure", *WITH.values(), "above other places", "above another subject"]
    cells = [
        [row["encoder"], row["measure"], *(number(row[name], 3) for name in WITH), *(_percent(row[x]) for x in SHARES)]
        for row in summary.to_dict("records")
    ]
    return Grid(headings, cells, CAPTIONS["summary"], words=2)


def _percent(share: float) -> str:
    return "-" if np.isnan(share) else f"{number(100 * share, 1)} %"


def box_figure(tiles: pd.DataFrame, summary: pd.DataFrame) -> Picture:
    """Draw how alike two modalities of one place are for each encoder, beside other places and another subject.

    Args:
        tiles: Columns encoder, first, second and `VALUES`.
        summary: As `anysyn.probes.content.likeness.summarise_tiles` returns it.

    Example:
        >>> row = {"encoder": "a", "first": "T1w", "second": "T2w"}
        >>> row |= {f"{measure}_{name}": 0.5 for measure in MEASURES for name in WITH}
        >>> line = {"encoder": "a", "measure": "correlation", "same": 0.9, "other_slice": 0.2, "other_subject": 0.5}
        >>> box_figure(pd.DataFrame([row, row]), pd.DataFrame([line])).alt
        'Mean correlation of two modalities of one place, elsewhere, in another subject: a 0.90, 0.20, 0.50'
    """
    labels, apart = list(dict.fromkeys(tiles["encoder"])), tiles[tiles["first"] != tiles["second"]]
    figure = Figure(figsize=(10, 1.6 + 0.75 * len(labels)), layout="constrained")
    with chart_style():
        panels = figure.subplots(1, len(MEASURES), sharey=True)
        for axes, measure in zip(panels, MEASURES, strict=True):
            draw_boxes(axes, apart, measure, labels)
        handles = [Patch(facecolor=COLOURS[name], label=WITH[name]) for name in WITH]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(WITH), frameon=False)
    rows = summary[summary["measure"] == MEASURES[0]]
    means = [f"{row['encoder']} {', '.join(number(row[name], 2) for name in WITH)}" for row in rows.to_dict("records")]
    what = f"Mean {MEASURES[0]} of two modalities of one place, elsewhere, in another subject"
    return chart(figure, f"{what}: {'; '.join(means)}")


def draw_boxes(axes: Axes, tiles: pd.DataFrame, measure: str, labels: Sequence[str]) -> None:
    """Draw a box for each encoder and each comparison of a place; the first encoder is on top.

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
        >>> row = {"encoder": "a", "first": "T1w", "second": "T2w"}
        >>> row |= {f"{measure}_{name}": 0.5 for measure in MEASURES for name in DRAWN}
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
                drawn = draw_matrix(axes, pairs[pairs["encoder"] == label], f"{measure}_{name}", names)
            row[0].set_ylabel(label.replace(", ", ",\n"), fontweight="bold", fontsize=8)
        for axes, (measure, name) in zip(panels[0], columns, strict=True):
            axes.set_title(f"{measure},\n{WITH[name]}", fontweight="normal", fontsize=8)
        figure.colorbar(drawn, ax=panels, shrink=min(1.0, 2.2 / len(labels)), aspect=25, label="mean over the places")
    return chart(
        figure,
        f"Likeness of the features of each two modalities, of one place and of two subjects: {', '.join(labels)}",
    )


def draw_matrix(axes: Axes, pairs: pd.DataFrame, column: str, names: Sequence[str]) -> AxesImage:
    """Draw a value for each two modalities; those that were not compared stay empty.

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
