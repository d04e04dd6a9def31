"""Pictures embedded in a page as data URIs, each with an alternative text."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

MARKERS = "o^Dv*X"
# Letters are drawn as outlines, which look the same everywhere; a fixed salt and no date give the same bytes for the
# same figure; names are not parsed as formulas.
_STYLE: Any = {"svg.fonttype": "path", "svg.hashsalt": "anysyn", "font.size": 9, "axes.spines.top": False}
_STYLE |= {"text.parse_math": False, "axes.spines.right": False, "axes.titlesize": 10, "axes.titleweight": "bold"}


@dataclass(frozen=True)
class Picture:
    """Image as a data URI.

    Args:
        source: The data URI.
        alt: Description of what it shows.
        width: On the page, in CSS pixels.
        height: On the page, in CSS pixels.
    """

    source: str
    alt: str
    width: int
    height: int


def data_uri(content: bytes, kind: str) -> str:
    """Return the content of a file as a data URI, given its media type.

    Example:
        >>> data_uri(b"anysyn", "image/png")
        'data:image/png;base64,YW55c3lu'
    """
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def chart(figure: Figure, alt: str) -> Picture:
    """Turn a figure into an SVG without background.

    Args:
        figure: Drawn inside `chart_style`.
        alt: Description of what it shows.

    Example:
        >>> chart(Figure(figsize=(2, 1)), "nothing").width
        192
    """
    buffer = io.BytesIO()
    with chart_style():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    width, height = (round(96 * inches) for inches in figure.get_size_inches())
    return Picture(data_uri(buffer.getvalue(), "image/svg+xml"), alt, width, height)


def chart_style() -> AbstractContextManager[None]:
    """Return the context in which charts are drawn.

    Example:
        >>> with chart_style():
        ...     mpl.rcParams["svg.hashsalt"]
        'anysyn'
    """
    return mpl.rc_context(_STYLE)


def line_styles(methods: Sequence[str]) -> dict[str, dict[str, str]]:
    """Give each method a colour and a marker.

    Example:
        >>> [style["marker"] for style in line_styles(["model", "label"]).values()]
        ['o', '^']
    """
    return {name: {"color": f"C{n % 10}", "marker": MARKERS[n % len(MARKERS)]} for n, name in enumerate(methods)}


def png(pixels: NDArray[np.uint8], palette: NDArray[np.uint8] | None = None) -> bytes:
    """Return pixels as a PNG.

    Args:
        pixels: (H, W), grey values or indices into the palette.
        palette: (P, 3), red, green and blue of at most 256 colours; None for grey.

    Example:
        >>> png(np.zeros((2, 3), np.uint8))[1:4]
        b'PNG'
    """
    image = Image.fromarray(pixels)
    if palette is not None:
        image = image.convert("P")
        image.putpalette(palette.tobytes())
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
