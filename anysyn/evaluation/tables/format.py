"""Formatting of numbers, names and rows in tables."""

from __future__ import annotations

import math
from collections.abc import Sequence

from anysyn.evaluation.metrics.metrics import metric
from anysyn.text.escaping import one_line

_LATEX = {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}"}
_LATEX |= {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$"}
_LATEX |= {"→": r"$\rightarrow$", "∞": r"$\infty$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "−": "$-$"}


def arrow(pair: str) -> str:
    """Return a pair as it is printed.

    Example:
        >>> arrow("T1w+T2w:FLAIR")
        'T1w+T2w → FLAIR'
    """
    return pair.replace(":", " → ")


def number(value: float, digits: int) -> str:
    """Return a number as it is printed; infinity is ``∞``, NaN a dash.

    Example:
        >>> number(31.256, 2), number(float("inf"), 2), number(float("nan"), 2)
        ('31.26', '∞', '-')
    """
    if math.isnan(value):
        return "-"
    return "∞" if math.isinf(value) else f"{round(value, digits) + 0.0:.{digits}f}"  # never -0.00


def heading(name: str) -> str:
    """Return a metric's label with an arrow in its better direction.

    Example:
        >>> heading("mae")
        'MAE ↓'
    """
    shown = metric(name)
    return f"{shown.label} {'↑' if shown.higher_is_better else '↓'}"


def latex(text: str) -> str:
    r"""Escape a text for LaTeX.

    Example:
        >>> latex("site_1 → 50 %")
        'site\\_1 $\\rightarrow$ 50 \\%'
    """
    return "".join(_LATEX.get(character, character) for character in one_line(text))


def markdown(header: Sequence[str], *rows: Sequence[str]) -> str:
    """Write a Markdown table whose first two columns are text.

    Example:
        >>> print(markdown(["pair", "method", "n"], ["T1w", "model", "3"]))
        | pair | method | n |
        | :-- | :-- | --: |
        | T1w | model | 3 |
    """
    rule = [":--" if column < 2 else "--:" for column in range(len(header))]
    lines = [[escaped(cell).replace("|", r"\|") for cell in row] for row in (header, *rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [lines[0], rule, *lines[1:]])


def escaped(text: str) -> str:
    """Return a text as one line of Markdown without HTML other than ``<u>``.

    Example:
        >>> escaped("<u>1</u> <script>")
        '<u>1</u> &lt;script>'
    """
    line = one_line(text).replace("<", "&lt;")
    return line.replace("&lt;u>", "<u>").replace("&lt;/u>", "</u>")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Pad the cells of each column to one width.

    Example:
        >>> aligned([["pair", "n"], ["T1w", "3"]])
        ['pair  n', 'T1w   3']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
