"""Figures of the page: box plots of each task, curves over severities, slices and error maps of every method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from anysyn.errors import UserError
from anysyn.evaluation.examples import Example, read_example
from anysyn.evaluation.tables.format import arrow, number
from anysyn.figures.pictures import Picture, chart, chart_style, data_uri, png
from anysyn.figures.planes import (
    Floats,
    Window,
    error_palette,
    extent,
    grey,
    radiological,
    relative_error,
    shrink,
    signed,
    window_of,
)
from paper_tables.results import Results, heading
from paper_tables.table import Table

ACROSS = 3  # box plots in a row
AXIAL = 2
WIDE = 132  # CSS pixels of a slice
SEVERITIES = ("minor", "moderate", "severe")


@dataclass(frozen=True)
class Column:
    """An image of an example, and its error.

    Args:
        title: Title of the image.
        score: Its main score; empty for source and truth.
        image: The slice.
        error: Its error map; None for source and truth.
    """

    title: str
    score: str
    image: Picture
    error: Picture | None = None


@dataclass(frozen=True)
class Strip:
    """An example: a subject and its syntheses by every method.

    Args:
        title: Set and pair.
        subject: Key of the subject.
        columns: Sources, truth, methods.
    """

    title: str
    subject: str
    columns: tuple[Column, ...]


def boxes(results: Results, measure: str) -> Picture | None:
    """Draw box plots of the cases of every method, a panel for each set and task.

    Args:
        results: The results.
        measure: Name of the metric.

    Returns:
        None if no case has the metric.
    """
    if measure not in results.cases:
        return None
    cases = results.cases.dropna(subset=measure)
    panels = list(cases.groupby(["set", "task"], sort=False))
    if not panels:
        return None
    methods = [method.name for method in results.plan.table.methods if method.name in set(cases["method"])]
    down = -(-len(panels) // ACROSS)
    panel, gap = 0.1 + 0.22 * len(methods), 0.75  # heights in inches
    wide, high = 1.6 + 3.2 * min(ACROSS, len(panels)), 0.3 + down * (panel + gap)
    figure = Figure(figsize=(wide, high))  # laid out by hand, since automatic layout of many panels takes a minute
    figure.subplots_adjust(
        1.5 / wide, (gap - 0.3) / high, 1 - 0.1 / wide, 1 - 0.3 / high, wspace=0.08, hspace=gap / panel
    )
    with chart_style():
        grid = figure.subplots(down, min(ACROSS, len(panels)), squeeze=False)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for i, (axes, (place, part)) in enumerate(zip(grid.flat, panels, strict=False)):
            _box(axes, part, methods, measure, " / ".join(filter(None, (str(place[0]), arrow(str(place[1]))))))
            axes.set_yticks(range(1, len(methods) + 1), methods if i % ACROSS == 0 else [""] * len(methods))
    medians = cases.groupby("method")[measure].median()
    words = ", ".join(f"{name} {number(medians[name], heading(measure).digits)}" for name in methods)
    label = heading(measure).label
    return chart(figure, f"{label} of every subject, a panel for each task; the medians over all: {words}.")


def _box(axes: Axes, part: pd.DataFrame, methods: Sequence[str], measure: str, title: str) -> None:
    for row, name in enumerate(methods, 1):
        values = part.loc[part["method"] == name, measure].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        if len(values) >= 5:
            how: dict[str, Any] = {"orientation": "horizontal", "manage_ticks": False, "showfliers": False}
            axes.boxplot(values, positions=[row], widths=0.6, **how)
        axes.plot(values, np.full(len(values), row), "o", ms=2.5, alpha=0.6, color="#0072b2", mew=0)
    axes.set_ylim(len(methods) + 0.6, 0.4)
    axes.set_title(title)
    axes.set_xlabel(heading(measure).text)
    axes.grid(axis="x", lw=0.4, alpha=0.6)


def curves(results: Results, measure: str) -> Picture | None:
    """Draw each method over the severities of each corruption, averaged over the sets.

    Args:
        results: The results.
        measure: Name of the metric.

    Returns:
        None if the table has no corruption.
    """
    table = results.plan.table
    kinds = list(_corruptions(table))
    if not kinds or measure not in results.cases or results.cases.empty:
        return None
    means = results.cases.groupby(["method", "task"])[measure].mean()
    clean = [task.name for name in table.sets for task in table.tasks_of(name) if task.corruption is None]
    figure = Figure(figsize=(3.2 * len(kinds), 3.0), layout="constrained")
    with chart_style():
        for axes, kind in zip(figure.subplots(1, len(kinds), squeeze=False, sharey=True)[0], kinds, strict=True):
            levels = dict(zip(["clean"], clean, strict=False)) | _corruptions(table)[kind]
            for method in dict.fromkeys(results.cases["method"]):
                values = [means.get((method, task), np.nan) for task in levels.values()]
                axes.plot(range(len(levels)), values, "o-", ms=3, lw=1, label=method)
            axes.set_xticks(range(len(levels)), list(levels), rotation=20)
            axes.set_title(kind)
            axes.grid(lw=0.4, alpha=0.6)
        axes.legend(frameon=False, fontsize=7)
        figure.supylabel(heading(measure).text)
    return chart(figure, f"{heading(measure).label} of each method from clean to severe, for {', '.join(kinds)}.")


def _corruptions(table: Table) -> dict[str, dict[str, str]]:
    kinds: dict[str, dict[str, str]] = {}
    for name in table.sets:
        for task in table.tasks_of(name):
            if task.corruption and task.severity:
                kinds.setdefault(task.corruption, {})[task.severity] = task.name
    return {kind: {s: levels[s] for s in SEVERITIES if s in levels} for kind, levels in kinds.items()}


def strips(results: Results) -> Iterator[Strip]:
    """Yield an example of each set and pair: the axial slice of every method, and below it the error.

    Args:
        results: The results.
    """
    measure = results.plan.table.metrics[0] if "psnr" not in results.plan.table.metrics else "psnr"
    for name in results.plan.table.sets:
        folders = {method: folder for (set_, method), folder in results.examples.items() if set_ == name}
        files = [path.relative_to(folder) for folder in folders.values() for path in sorted(folder.rglob("*.npz"))]
        for file in dict.fromkeys(files):
            examples = dict(_read(folders, file))
            if examples:
                yield _strip(name, file, examples, results, measure)


def _read(folders: Mapping[str, Path], file: Path) -> Iterator[tuple[str, Example]]:
    for method, folder in folders.items():
        try:
            if (folder / file).is_file():
                yield method, read_example(folder / file)
        except UserError:
            continue  # the page lacks a picture, but has the numbers


def _strip(name: str, file: Path, examples: Mapping[str, Example], results: Results, measure: str) -> Strip:
    first = next(iter(examples.values()))
    real = {f"Source {source}": planes for source, planes in first.sources.items()}
    real[f"Truth {first.target}"] = first.truth
    columns = [
        Column(title, "", _picture(planes[AXIAL], window_of(planes, first.mask), title, first))
        for title, planes in real.items()
    ]
    for method in results.plan.table.methods:
        example, answer = examples.get(method.name), method.simple or method.answers
        if example and answer in example.predictions and example.subject == first.subject:
            columns.append(_column(method.name, str(answer), example, measure))
    spec = "" if file.parent.name == "clean" else f", {file.parent.name}"
    title = arrow(f"{'+'.join(first.sources)}:{first.target}") + spec
    return Strip(" / ".join(filter(None, (name, title))), first.subject, tuple(columns))


def _column(method: str, answer: str, example: Example, measure: str) -> Column:
    """Draw the synthesis of a method and its error, in the intensities of the method's own preparation."""
    window, plane = window_of(example.truth, example.mask), example.predictions[answer][AXIAL]
    error = shrink(radiological(relative_error(plane, example.truth[AXIAL], window)))
    drawn = Picture(data_uri(png(signed(error), error_palette()), "image/png"), f"error of {method}", *_size(example))
    score, how = example.values[answer].get(measure), heading(measure)
    text = "" if score is None else f"{how.label.partition(' (')[0]} {number(score, how.digits)}"
    return Column(method, text, _picture(plane, window, f"{example.target} by {method}", example), drawn)


def _picture(plane: Floats, window: Window, alt: str, example: Example) -> Picture:
    return Picture(data_uri(png(grey(shrink(radiological(plane)), window)), "image/png"), alt, *_size(example))


def _size(example: Example) -> tuple[int, int]:
    width, height = extent(example.truth[AXIAL], AXIAL, example.spacing)
    return WIDE, max(1, round(WIDE * height / width))
