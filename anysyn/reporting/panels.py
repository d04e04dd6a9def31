"""Panels: the examples of an evaluation, each as rows of planes with its scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from anysyn.evaluation.examples import Example
from anysyn.evaluation.metrics.metrics import metric
from anysyn.evaluation.tables.cases_table import MODEL
from anysyn.evaluation.tables.format import number
from anysyn.figures.pictures import Picture, data_uri, png
from anysyn.figures.planes import (
    LIMIT,
    MIDDLE,
    PLANES,
    SIDES,
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
from anysyn.reporting.results import pair_of
from anysyn.reporting.scores import label, with_unit

WIDEST = 176  # CSS pixels of the widest plane


@dataclass(frozen=True)
class PlaneRow:
    """One plane of every image of an example; sides and top are empty if the orientation is unknown."""

    name: str
    sides: tuple[str, ...]
    top: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class Panel:
    """What the page shows of an example.

    Args:
        pair: Sources and target, as tables write it.
        subject: Key of the subject, with its dataset.
        title: The main score.
        columns: Headings of the images.
        rows: The planes.
        metrics: Headings of the scores.
        scores: For each method its name and its scores.
        window: What is black and what is white in truth and synthesis.
        errors: The errors in words.
    """

    pair: str
    subject: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[PlaneRow, ...]
    metrics: tuple[str, ...]
    scores: tuple[tuple[str, tuple[str, ...]], ...]
    window: tuple[str, str]
    errors: str


def panel_of(example: Example, *, oriented: bool) -> Panel:
    """Draw an example; its planes get their sides if it is oriented: its axes run right, anterior, superior.

    Truth and synthesis share one grey window, that of the truth; each source has its own. Errors are signed, in shares
    of the truth's window, on one scale for all examples.
    """
    window = window_of(example.truth, example.mask)
    prediction, target = example.predictions[MODEL], example.target
    errors = [relative_error(p, t, window) for p, t in zip(prediction, example.truth, strict=True)]
    names = _shown(example)
    scale = WIDEST / max(extent(plane, axis, example.spacing)[0] for axis, plane in enumerate(example.truth))
    draw = partial(_row, example, errors, window, scale, oriented)
    return Panel(
        pair=pair_of(example),
        subject=example.subject + (f", dataset {example.dataset}" if example.dataset else ""),
        title=f"{label(names[0])} {with_unit(example.values[MODEL][names[0]], names[0])}",
        columns=(*map("Source {}".format, example.sources), f"Truth {target}", f"Synthetic {target}", "Error"),
        rows=tuple(draw(axis) for axis in (2, 1, 0)),
        metrics=tuple(map(label, names)),
        scores=tuple((method, _values(values, names)) for method, values in example.values.items()),
        window=(number(window[0], 2), number(window[1], 2)),
        errors=_in_words(errors, example.mask),
    )


def error_bar() -> Picture:
    """Draw the scale of the errors.

    Example:
        >>> error_bar().height
        12
    """
    places = np.arange(2 * MIDDLE + 1, dtype=np.uint8)[None]  # (1, 255)
    alt = f"Colours of errors, from blue at -{LIMIT:.0%} over white at 0 to red at +{LIMIT:.0%}"
    return Picture(data_uri(png(places, error_palette()), "image/png"), alt, 160, 12)


def grey_bar() -> Picture:
    """Draw the scale of the intensities.

    Example:
        >>> grey_bar().width
        160
    """
    return Picture(data_uri(png(np.arange(256, dtype=np.uint8)[None]), "image/png"), "From black to white", 160, 12)


def _row(
    example: Example, errors: Sequence[Floats], window: Window, scale: float, oriented: bool, axis: int
) -> PlaneRow:
    name = PLANES[axis] if oriented else f"across axis {axis}"
    size = tuple(max(1, round(scale * edge)) for edge in extent(example.truth[axis], axis, example.spacing))
    images = [
        (f"{image} of {example.subject}, {name}", grey(_turned(planes[axis]), own))
        for image, planes, own in _images(example, window)
    ]
    pictures = [Picture(data_uri(png(pixels), "image/png"), alt, *size) for alt, pixels in images]
    error = png(signed(_turned(errors[axis])), error_palette())
    alt = f"synthetic minus true {example.target} of {example.subject}, {name}"
    pictures.append(Picture(data_uri(error, "image/png"), alt, *size))
    sides, top = SIDES[axis] if oriented else ((), "")
    return PlaneRow(name, sides, top, tuple(pictures))


def _images(example: Example, window: Window) -> Iterator[tuple[str, Sequence[Floats], Window]]:
    for name, planes in example.sources.items():
        yield f"source {name}", planes, window_of(planes, example.mask)
    yield f"true {example.target}", example.truth, window
    yield f"synthetic {example.target}", example.predictions[MODEL], window


def _turned(plane: Floats) -> Floats:
    return shrink(radiological(plane))


def _shown(example: Example) -> list[str]:
    measured = list(example.values[MODEL])
    return [name for name in ("psnr", "ssim", "mae") if name in measured] or measured[:3]


def _values(values: Mapping[str, float], names: Sequence[str]) -> tuple[str, ...]:
    return tuple(number(values[name], metric(name).digits) for name in names)


def _in_words(errors: Sequence[Floats], masks: Sequence[Floats]) -> str:
    inside = np.concatenate([error[mask > 0.5] for error, mask in zip(errors, masks, strict=True)])  # (V,)
    if not inside.size:
        return "No foreground in these planes."
    mean, absolute, beyond = inside.mean(), np.abs(inside).mean(), (np.abs(inside) > LIMIT).mean()
    return (
        f"Foreground of these planes: mean error {mean:+.1%}, mean absolute error {absolute:.1%}, "
        f"{beyond:.1%} beyond the scale."
    )
