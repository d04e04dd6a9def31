"""Tables as Markdown and LaTeX: best in bold, second underlined."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from anysyn.evaluation.metrics.metrics import metric
from anysyn.evaluation.tables.cases_table import ALL_PAIRS
from anysyn.evaluation.tables.format import aligned, arrow, escaped, heading, latex, markdown, number


def ranks(block: pd.DataFrame, name: str) -> list[int]:
    """Rank the methods of one pair by a metric's printed mean.

    Methods that print the same value share a rank. A method with fewer cases than the others is not ranked, since its
    mean is over other images.

    Args:
        block: Rows of one pair, as `summarise` returns them.
        name: The metric.

    Returns:
        For each row 1 for the best, 2 for the second, 0 for the others.

    Example:
        >>> ranks(pd.DataFrame({"cases": [9, 9, 9], "mae": [0.3, 0.1, 0.2]}), "mae")
        [0, 1, 2]
    """
    of = metric(name)
    ranked = (block["cases"] == block["cases"].max()) & block[name].notna()
    printed = block[name].round(of.digits) * (-1 if of.higher_is_better else 1)
    order = sorted(set(printed[ranked]))[:2]
    return [order.index(v) + 1 if able and v in order else 0 for v, able in zip(printed, ranked, strict=True)]


def _cell(row: Mapping[Hashable, Any], name: str) -> str:
    digits = metric(name).digits
    mean, sd = float(row[name]), float(row[f"{name}_sd"])
    return number(mean, digits) + ("" if math.isnan(sd) else f" ± {number(sd, digits)}")


def _blocks(summary: pd.DataFrame, marks: Sequence[str], write: Callable[[str], str]) -> list[list[list[str]]]:
    return [_block(str(pair), block, marks, write) for pair, block in summary.groupby("pair", sort=False)]


def _block(pair: str, block: pd.DataFrame, marks: Sequence[str], write: Callable[[str], str]) -> list[list[str]]:
    """Return the rows of a pair, the first with its name; the marks are those of ranks 0, 1 and 2."""
    names = _metrics(block)
    places = {name: ranks(block, name) for name in names}
    rows = []
    for i, row in enumerate(block.to_dict("records")):
        about = [arrow(pair) if i == 0 else "", str(row["method"]), str(row["cases"])]
        cells = [marks[places[name][i]].format(write(_cell(row, name))) for name in names]
        rows.append([*map(write, about), *cells])
    return rows


def _metrics(summary: pd.DataFrame) -> list[str]:
    return [column for column in summary.columns if f"{column}_sd" in summary.columns]


def _notes(summary: pd.DataFrame, notes: Sequence[str]) -> list[str]:
    identical = int(summary.loc[summary["pair"] != ALL_PAIRS, "identical"].sum())
    counts = summary.groupby("pair")["cases"].nunique()
    conditional = {
        f"{identical} predictions are identical to the truth; their infinite PSNR is left out.": identical > 0,
        "A method with fewer cases than the others is not ranked.": bool((counts > 1).any()),
    }
    return ["Mean ± standard deviation over cases.", *(note for note, holds in conditional.items() if holds), *notes]


def to_markdown(summary: pd.DataFrame, margin: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    """Write summary and margins, as `summarise` and `margins` return them, as Markdown with notes at the foot.

    Example:
        >>> table = pd.DataFrame([{"pair": "T1w:T2w", "method": "model", "cases": 1, "identical": 0}])
        >>> print(to_markdown(table.assign(psnr=30.0, psnr_sd=float("nan")), table.iloc[:0]).splitlines()[2])
        | T1w → T2w | model | 1 | **30.00** |
    """
    names = _metrics(summary)
    blocks = _blocks(summary, ("{}", "**{}**", "<u>{}</u>"), str)
    table = markdown(["pair", "method", "cases", *map(heading, names)], *(row for block in blocks for row in block))
    foot = "\n".join(f"- {escaped(note)}" for note in ["Best in bold, second underlined.", *_notes(summary, notes)])
    parts = [table, foot]
    if len(margin):
        parts += ["Margin of the model, averaged over cases; positive is better:", markdown(*_margin_table(margin))]
    return "\n\n".join(parts) + "\n"


def _margin_table(margin: pd.DataFrame) -> list[list[str]]:
    names = list(margin.columns[3:])
    rows = [
        [arrow(row["pair"]), row["baseline"], str(row["cases"]), *(_signed(row[name], name) for name in names)]
        for row in margin.to_dict("records")
    ]
    return [["pair", "over", "cases", *(metric(name).label for name in names)], *rows]


def _signed(value: float, name: str) -> str:
    digits = metric(name).digits
    return ("+" if round(value, digits) > 0 else "") + number(value, digits)


def to_latex(summary: pd.DataFrame, notes: Sequence[str] = ()) -> str:
    r"""Write the summary as a LaTeX ``table``, which needs ``\usepackage{booktabs}``, with notes in the caption.

    Example:
        >>> table = pd.DataFrame([{"pair": "T1w:T2w", "method": "model", "cases": 1, "identical": 0}])
        >>> print(to_latex(table.assign(psnr=30.0, psnr_sd=float("nan"))).splitlines()[-4])
        T1w $\rightarrow$ T2w & model & 1 & \textbf{30.00} \\
    """
    names = _metrics(summary)
    blocks = _blocks(summary, ("{}", r"\textbf{{{}}}", r"\underline{{{}}}"), latex)
    body = "\n\\midrule\n".join("\n".join(" & ".join(row) + r" \\" for row in block) for block in blocks)
    header = " & ".join(latex(cell) for cell in ["Pair", "Method", "Cases", *map(heading, names)])
    caption = latex(" ".join(["Best in bold, second underlined.", *_notes(summary, notes)]))
    lines = [r"\begin{table}", r"\centering", rf"\caption{{{caption}}}", rf"\begin{{tabular}}{{llr{'r' * len(names)}}}"]
    lines += [r"\toprule", rf"{header} \\", r"\midrule", body, r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def to_lines(summary: pd.DataFrame, margin: pd.DataFrame, notes: Sequence[str] = (), *, columns: int = 3) -> list[str]:
    """Write summary, margins and notes for a terminal, with the first few metrics.

    Example:
        >>> table = pd.DataFrame([{"pair": "T1w:T2w", "method": "model", "cases": 1, "identical": 0}])
        >>> to_lines(table.assign(psnr=30.0, psnr_sd=float("nan")), table.iloc[:0])[1]
        'T1w → T2w  model   1      30.00'
    """
    blocks = _blocks(summary, ("{}",) * 3, str)
    header = ["pair", "method", "cases", *map(heading, _metrics(summary))]
    lines = aligned([row[: 3 + columns] for row in [header, *(row for block in blocks for row in block)]])
    lines += ["", *_notes(summary, notes)]
    if len(margin):
        shown = aligned([row[: 3 + columns] for row in _margin_table(margin)])
        lines += ["", "Margin of the model; positive is better:", *shown]
    return lines
