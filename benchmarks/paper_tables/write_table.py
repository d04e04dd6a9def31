"""A table as Markdown, CSV and LaTeX."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from anysyn.evaluation.tables.format import latex, markdown, number
from anysyn.evaluation.tables.statistics import TEST, rank_agreement
from anysyn.files import replacing
from paper_tables.layout import Grid, grid_of, text_of
from paper_tables.results import Results, heading, long_table, over_tasks

WARNING = "Simulated subjects: this compares methods on a simulation and says nothing about patients."
REAL = "Subjects given by the user."
OVERALL = "A subject's tasks are averaged first, where every method has them; p is over subjects."
METRIC = 2  # place of the metric in a place


def notes_of(found: Results) -> list[str]:
    """Return the lines for the foot of a table: what the numbers were computed on, how, and what failed.

    Args:
        found: The results.
    """
    plan = found.plan
    seeds = sorted({cell.purpose.seed for cell in plan.cells})
    folds = len({cell.purpose.fold.name for cell in plan.cells if cell.purpose.fold})
    lines = [
        WARNING if plan.simulated else REAL,
        *([] if plan.spacing is None else [f"Images resampled to {plan.spacing:g} mm and compared there."]),
        f"{plan.table.about}. Size {plan.size.name}; {_count(len(seeds), 'seed')}"
        + (f"; cross-validation of {folds} folds." if folds else "."),
        "Mean ± standard deviation over subjects, averaged over seeds first. Best in bold, second underlined."
        + (" In brackets: the paper's value, on its own data." if plan.table.published else ""),
        *([plan.protocol] if plan.protocol else []),
        f"p: {TEST}.",
    ]
    if plan.additions:
        named = [f"{what} ({', '.join(names)})" for what, names in plan.additions.items()]
        lines.append(f"Beyond the paper's recipe, in these rows alone: {'; '.join(named)}.")
    if plan.absent:
        named = [name + (f" ({recipe})" if recipe else "") for name, recipe in plan.absent.items()]
        lines.append(f"No recipe: {', '.join(named)}.")
    if plan.without:
        lines.append(f"No data: {', '.join(plan.without)}.")
    if found.left_out:
        lines.append(f"Cases left out: {len(found.left_out)}; the first: {found.left_out[0]}")
    return lines + [f"Failed: {name}: {error}" for name, errors in found.errors.items() for error in errors]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def to_markdown(found: Results) -> str:
    """Write a table with its foot, the means over all tasks and the agreement with the paper's order.

    Args:
        found: The results.
    """
    table = found.plan.table
    parts = [f"# {table.title}", f"Paper: {table.paper}.", "\n".join(_table(found))]
    parts.append("\n".join(f"- {line}" for line in notes_of(found)))
    parts += ["## Over all tasks", OVERALL, markdown(*overall_cells(found)), *_orders(found)]
    return "\n\n".join(parts) + "\n"


def _table(found: Results) -> Iterator[str]:
    grid = grid_of(found)
    header = [*grid.corner, *(" / ".join(words) for words in grid.columns)]
    rows = [[*_once(grid, i), *line] for i, line in enumerate(_cells(grid, ("{}", "**{}**", "<u>{}</u>")))]
    if grid.parameters:
        rows.append(["parameters", *[""] * (len(grid.corner) - 1), *grid.parameters])
    aligned = [":--"] * len(grid.corner) + ["--:"] * len(grid.columns)
    for row in [header, aligned, *rows]:
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |"


def _cells(grid: Grid, mark: Sequence[str]) -> list[list[str]]:
    lines = zip(grid.entries, grid.places, strict=True)
    return [[text_of(e, p[METRIC], mark=mark) for e, p in zip(*line, strict=True)] for line in lines]


def _once(grid: Grid, row: int) -> list[str]:
    """Return the words of a row, without those that the row above begins with, too."""
    words = grid.rows[row]
    above = grid.rows[row - 1] if row else ()
    same = next((i for i, (a, b) in enumerate(zip(words, above, strict=False)) if a != b), 0) if above else 0
    return ["" if i < same else word for i, word in enumerate(words)]


def overall_cells(found: Results) -> list[list[str]]:
    """Return the means over all sets and tasks as texts, the heading first.

    Args:
        found: The results.
    """
    table, frame = found.plan.table, over_tasks(found)
    header, several = ["method"], len({cell.purpose.seed for cell in found.plan.cells}) > 1
    for measure in table.metrics:
        header += [heading(measure).text, *(["± over seeds"] if several else []), "p", "paper"]
    rows = [header]
    for row in frame.to_dict("records"):
        cells = [str(row["method"])]
        for measure in table.metrics:
            digits = heading(measure).digits
            cells.append(number(row.get(measure, math.nan), digits))
            cells += [number(row.get(f"{measure}_seeds", math.nan), digits)] if several else []
            cells.append(p_value(row.get(f"{measure}_p", math.nan)))
            cells.append(number(row.get(f"{measure}_paper", math.nan), digits))
        rows.append(cells)
    return rows


def p_value(p: float) -> str:
    """Write a p value for a reader.

    Example:
        >>> p_value(0.0421), p_value(1e-5), p_value(float("nan"))
        ('0.042', '<0.001', '-')
    """
    return "<0.001" if p < 0.0005 else number(p, 3)


def orders(found: Results) -> list[tuple[str, float, float]]:
    """Return, by metric, Kendall's tau over the means of all tasks, and its mean over the tasks one by one.

    Args:
        found: The results.
    """
    frame, lines = over_tasks(found), []
    for measure in found.plan.table.metrics:
        if measure not in frame:
            continue
        ours = dict(zip(frame["method"], frame[measure].astype(float), strict=True))
        papers = dict(zip(frame["method"], frame[f"{measure}_paper"].astype(float), strict=True))
        single = [tau for (_, _, name), tau in found.agreement.items() if name == measure]
        lines.append((measure, rank_agreement(ours, papers), sum(single) / len(single) if single else math.nan))
    return [line for line in lines if math.isfinite(line[1]) or math.isfinite(line[2])]


def _orders(found: Results) -> list[str]:
    lines = [
        f"- {heading(measure).label}: {number(whole, 2)} for the means over all tasks, {number(each, 2)} on average, "
        "task by task"
        for measure, whole, each in orders(found)
    ]
    title = "Agreement of our order of methods with the paper's (Kendall's tau; 1 is the same order):"
    return [title, "\n".join(lines)] if lines else []


def to_latex(found: Results) -> str:
    r"""Write a table for LaTeX; it needs ``\usepackage{booktabs}``.

    Args:
        found: The results.
    """
    grid, title = grid_of(found), found.plan.table.title
    body = _cells(grid, ("{}", r"\textbf{{{}}}", r"\underline{{{}}}"))
    depth, levels = len(grid.corner), len(grid.columns[0])
    lines = [" & ".join([*_corner(grid, i == levels - 1), *_spans(grid, i)]) + r" \\" for i in range(levels)]
    rule = len(lines)
    for i, cells in enumerate(body):
        if i and grid.rows[i][0] != grid.rows[i - 1][0] and depth > 1:
            lines.append(r"\midrule")
        lines.append(" & ".join([*map(latex, _once(grid, i)), *map(_escaped, cells)]) + r" \\")
    if grid.parameters:
        lines += [r"\midrule", " & ".join(["Parameters", *[""] * (depth - 1), *map(latex, grid.parameters)]) + r" \\"]
    caption = latex(" ".join([f"{title}.", *notes_of(found)]))
    whole = [r"\begin{table}", r"\centering", rf"\caption{{{caption}}}"]
    whole += [rf"\begin{{tabular}}{{{'l' * depth}{'r' * len(grid.columns)}}}", r"\toprule", *lines[:rule], r"\midrule"]
    whole += [*lines[rule:], r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(whole) + "\n"


def _corner(grid: Grid, last: bool) -> list[str]:
    return [latex(word) if last else "" for word in grid.corner]


def _spans(grid: Grid, level: int) -> list[str]:
    found = []
    for words, group in groupby(columns[: level + 1] for columns in grid.columns):
        width, text = len(list(group)), latex(words[-1])
        found.append(rf"\multicolumn{{{width}}}{{c}}{{{text}}}" if width > 1 else text)
    return found


def _escaped(cell: str) -> str:
    return cell.replace("±", r"$\pm$").replace("∞", r"$\infty$").replace("–", "--")


def write_all(found: Results, folder: Path) -> list[Path]:
    """Write ``table.md``, ``table.csv``, ``table.tex``, ``cases.csv`` and ``models.csv``; each is whole or not there.

    Args:
        found: The results.
        folder: Where they go.
    """
    texts = {
        "table.md": to_markdown(found),
        "table.csv": long_table(found).to_csv(index=False),
        "table.tex": to_latex(found),
        "cases.csv": found.cases.to_csv(index=False),
        "models.csv": found.spent.to_csv(index=False),
    }
    for name, text in texts.items():
        with replacing(folder / name, overwrite=True) as file:
            file.write(text.encode())
    return [folder / name for name in texts]
