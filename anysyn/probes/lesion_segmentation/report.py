"""Segmentation: the Dice of lesions with each modality real, absent and synthesized, and their outlines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from anysyn.evaluation.tables.format import number
from anysyn.figures.pictures import Picture, chart, chart_style
from anysyn.figures.planes import radiological, window_of
from anysyn.probes.lesion_segmentation.dice import (
    ABSENT,
    ALONE,
    ALONE_REAL,
    NONE,
    REAL,
    RETRAINED,
    SYNTHESIZED,
)
from anysyn.probes.lesion_segmentation.example import Outlines

COLOURS = {REAL: "#4a4a4a", ABSENT: "#c4c4c4", RETRAINED: "C1", SYNTHESIZED: "C0", ALONE_REAL: "#8a8a8a", ALONE: "C2"}
LINES = ("C1", "C0", "C3")  # of regions, in order
TRUTH = "white"
TEXT = (
    "Whether a segmenter that was trained on real images finds a lesion when one modality is synthesized, on {where}."
)
CAPTIONS = {
    "dice": "Dice of the outlined region and the true one. A bar is the mean over subjects, a dot a subject; the "
    "dashed line is the mean with all modalities real.",
    "outlines": "The first subject measured, in the slice with most of the lesion. White dotted: the truth. Coloured: "
    "what is outlined, with the image that is shown in place of the modality; the other modalities are real.",
}


def dice_figure(cases: pd.DataFrame) -> Picture:
    """Draw the Dice of every case: a panel for each region, a group for each missing modality.

    Args:
        cases: As `rows_of` writes them.

    Example:
        >>> row = {"task": "infarct", "region": "infarct", "subject": "a", "missing": "DWI", "method": "absent"}
        >>> rows = [row | {"dice": 0.25}, row | {"missing": "none", "method": "all real", "dice": 0.75}]
        >>> dice_figure(pd.DataFrame([*rows, row | {"method": "synthesized", "dice": 0.5}])).alt
        'Mean Dice: infarct: all real 0.75, absent 0.25, synthesized 0.50'
    """
    regions = list(cases.groupby(["task", "region"], sort=False))
    columns = min(3, len(regions))
    rows = -(-len(regions) // columns)
    figure = Figure(figsize=(1.2 + 3.1 * columns, 0.5 + 2.9 * rows), layout="constrained")
    with chart_style():
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True).ravel()
        for axes, (name, part) in zip(panels, regions, strict=False):
            region_panel(axes, str(name[1]), part)
        for axes in panels[len(regions) :]:
            axes.set_axis_off()
        looks = [Patch(facecolor=COLOURS[name], label=name) for name in COLOURS if name in set(cases["method"])]
        figure.legend(handles=looks, loc="outside lower center", ncols=len(looks), frameon=False)
    means = [
        f"{name[1]}: {', '.join(f'{method} {number(mean, 2)}' for method, mean in _means(part).items())}"
        for name, part in regions
    ]
    return chart(figure, f"Mean Dice: {'; '.join(means)}")


def region_panel(axes: Axes, title: str, cases: pd.DataFrame) -> None:
    """Draw a dot for each case and a bar for their mean; all modalities real is a line across.

    Args:
        axes: Where to draw.
        title: The region.
        cases: Of this region.
    """
    missing = [name for name in dict.fromkeys(cases["missing"]) if name != NONE]
    methods = [name for name in COLOURS if name != REAL and name in set(cases["method"])]
    real = cases.loc[cases["method"] == REAL, "dice"]
    axes.axhline(real.mean(), color=COLOURS[REAL], lw=1.2, ls="--")
    width = 0.8 / max(1, len(methods))
    for n, method in enumerate(methods):
        places = np.arange(len(missing)) + (n - (len(methods) - 1) / 2) * width
        own = cases[cases["method"] == method]
        values = [own.loc[own["missing"] == name, "dice"] for name in missing]
        axes.bar(places, [part.mean() for part in values], 0.9 * width, color=COLOURS[method])
        for place, part in zip(places, values, strict=True):
            across = np.linspace(-0.25, 0.25, len(part)) if len(part) > 1 else np.zeros(len(part))
            axes.plot(place + width * across, part, "o", ms=2.2, color="black", alpha=0.55, lw=0)
    axes.set_xticks(range(len(missing)), missing)
    axes.set(title=title, ylim=(0, 1), ylabel="Dice", xlabel="modality that is not real")


def outline_figure(outlines: Outlines) -> Picture:
    """Draw one slice: a column for each missing modality, a row for each thing in its place.

    Args:
        outlines: The slice.
    """
    names = outlines.inputs
    methods = [method for method in COLOURS if any(method == other for _, other, _ in outlines.about)]
    x, y = (edge * n for edge, n in zip(outlines.spacing, outlines.truth.shape[1:], strict=True))
    figure = Figure(figsize=(0.5 + 2 * len(names), 0.4 + 2 * len(methods) * y / x), layout="constrained")
    with chart_style():
        panels = figure.subplots(len(methods), len(names), squeeze=False)
        for row, method in zip(panels, methods, strict=True):
            for axes, name in zip(row, names, strict=True):
                _panel(axes, outlines, method, name)
            row[0].set_ylabel(method)
        for axes, name in zip(panels[0], names, strict=True):
            axes.set_title(name)
    regions = ", ".join(outlines.regions)
    return chart(
        figure, f"{outlines.task} of {outlines.subject}: truth and outlines of {regions} by modality and method"
    )


def _panel(axes: Axes, outlines: Outlines, method: str, name: str) -> None:
    wanted = (NONE if method == REAL else name, method)  # of several syntheses the first
    place = next((n for n, (missing, other, _) in enumerate(outlines.about) if (missing, other) == wanted), None)
    axes.set(xticks=[], yticks=[], aspect=outlines.spacing[1] / outlines.spacing[0])
    axes.spines[:].set_visible(False)
    if place is None:
        return
    real = outlines.real[list(outlines.inputs).index(name)].astype(np.float32)
    low, high = window_of([real], [(real > 0).astype(np.float32)])
    image = real if method == REAL else outlines.images[place].astype(np.float32)
    axes.imshow(radiological(image), cmap="gray", vmin=low, vmax=high, aspect=axes.get_aspect())
    for region, colour in zip(range(len(outlines.regions)), LINES, strict=False):
        for masks, look, dashes in ((outlines.truth, TRUTH, ":"), (outlines.outlined[place], colour, "-")):
            if masks[region].any():
                turned = radiological(masks[region].astype(np.float32))
                axes.contour(turned, [0.5], colors=look, linestyles=dashes, linewidths=1)


def _means(cases: pd.DataFrame) -> Mapping[str, float]:
    means = cases.groupby("method", sort=False)["dice"].mean()
    order: Sequence[str] = [name for name in COLOURS if name in means]
    return {name: float(means[name]) for name in order}
