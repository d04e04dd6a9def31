"""Writing of a table as Markdown, CSV and LaTeX."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from anysyn.evaluation.tables.format import latex, markdown, number
from anysyn.evaluation.tables.statistics import TEST, rank_agreement
from anysyn.files import replacing
from anysyn.text.counts import counted
from paper_tables.layout import Grid, grid_of, text_of
from paper_tables.results import Results, heading, long_table, over_tasks

WARNING = "Simulated subjects: this compares methods on a simulation and says nothing about patients."
REAL = "Subjects given by the user."
OVERALL = "A subject's tasks are averaged first, where every method has them; p is over subjects."
METRIC = 2  # index of the metric in a place


def notes_of(results: Results) -> list[str]:
    """Return the lines for the foot of a table: data, methods and failures.

    Args:
        results: The results.
    """
    plan = results.plan
    seeds = sorted({cell.purpose.seed for cell in plan.cells})
    folds = len({cell.purpose.fold.name for cell in plan.cells if cell.purpose.fold})
    lines = [
        WARNING if plan.simulated else REAL,
        *([] if plan.spacing is None else [f"Images resampled to {plan.spacing:g} mm and compared there."]),
        f"{plan.table.about}. Size {plan.size.name}; {counted(len(seeds), 'seed')}"
        + (f"; cross-validation of {folds} folds." if folds else "."),
        "Mean ± standard deviation over subjects, averaged over seeds first. Best in bold, second underlined."
        + (" In brackets: the paper's value, on its own data." if plan.table.published else ""),
        *([plan.protocol] if plan.protocol else []),
        f"p: {TEST}.",
    ]
    if "seconds" in plan.table.metrics:
        lines.append(f"Time of one synthesis, a first one included, on: {'; '.join(sorted(results.devices))}.")
    if plan.additions:
        named = [f"{what} ({', '.join(names)})" for what, names in plan.additions.items()]
        lines.append(f"Beyond the paper's recipe, in these rows alone: {'; '.join(named)}.")
    if plan.absent:
        named = [name + (f" ({recipe})" if recipe else "") for name, recipe in plan.absent.items()]
        lines.append(f"No recipe: {', '.join(named)}.")
    if plan.without:
        lines.append(f"No data: {', '.join(plan.without)}.")
    if results.left_out:
        lines.append(f"Cases left out: {len(results.left_out)}; the first: {results.left_out[0]}")
    return lines + [f"Failed: {name}: {error}" for name, errors in results.errors.items() for error in errors]


def to_markdown(results: Results) -> str:
    """Return a table in Markdown, with its foot, the means over all tasks and the agreement with the paper's order.

    Args:
        results: The results.
    """
    table = results.plan.table
    parts = [f"# {table.title}", f"Paper: {table.paper}.", "\n".join(_table(results))]
    parts.append("\n".join(f"- {line}" for line in notes_of(results)))
    parts += ["## Over all tasks", OVERALL, markdown(*overall_cells(results)), *_orders(results)]
    return "\n\n".join(parts) + "\n"


def _table(results: Results) -> Iterator[str]:
    grid = grid_of(results)
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
    """Return the headings of a row, without those that repeat the row above."""
    words = grid.rows[row]
    above = grid.rows[row - 1] if row else ()
    same = next((i for i, (a, b) in enumerate(zip(words, above, strict=False)) if a != b), 0) if above else 0
    return ["" if i < same else word for i, word in enumerate(words)]


def overall_cells(results: Results) -> list[list[str]]:
    """Return the means over all sets and tasks as text, headings first.

    Args:
        results: The results.
    """
    table, frame = results.plan.table, over_tasks(results)
    header, several = ["method"], len({cell.purpose.seed for cell in results.plan.cells}) > 1
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
    """Return a p value as it is printed.

    Example:
        >>> p_value(0.0421), p_value(1e-5), p_value(float("nan"))
        ('0.042', '<0.001', '-')
    """
    return "<0.001" if p < 0.0005 else number(p, 3)


def orders(results: Results) -> list[tuple[str, float, float]]:
    """Return, by metric, Kendall's tau of the means over all tasks, and the mean tau over single tasks.

    Args:
        results: The results.
    """
    frame, lines = over_tasks(results), []
    for measure in results.plan.table.metrics:
        if measure not in frame:
            continue
        ours = dict(zip(frame["method"], frame[measure].astype(float), strict=True))
        papers = dict(zip(frame["method"], frame[f"{measure}_paper"].astype(float), strict=True))
        single = [tau for (_, _, name), tau in results.agreement.items() if name == measure]
        lines.append((measure, rank_agreement(ours, papers), sum(single) / len(single) if single else math.nan))
    return [line for line in lines if math.isfinite(line[1]) or math.isfinite(line[2])]


def _orders(results: Results) -> list[str]:
    lines = [
        f"- {heading(measure).label}: {number(whole, 2)} for the means over all tasks, {number(each, 2)} on average, "
        "task by task"
        for measure, whole, each in orders(results)
    ]
    title = "Agreement of our order of methods with the paper's (Kendall's tau; 1 is the same order):"
    return [title, "\n".join(lines)] if lines else []


def to_latex(results: Results) -> str:
    r"""Return a table in LaTeX, which needs ``\usepackage{booktabs}``.

    Args:
        results: The results.
    """
    grid, title = grid_of(results), results.plan.table.title
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
    caption = latex(" ".join([f"{title}.", *notes_of(results)]))
    whole = [r"\begin{table}", r"\centering", rf"\caption{{{caption}}}"]
    whole += [rf"\begin{{tabular}}{{{'l' * depth}{'r' * len(grid.columns)}}}", r"\toprule", *lines[:rule], r"\midrule"]
    whole += [*lines[rule:], r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(whole) + "\n"


def _corner(grid: Grid, last: bool) -> list[str]:
    return [latex(word) if last else "" for word in grid.corner]


def _spans(grid: Grid, level: int) -> list[str]:
    cells = []
    for words, group in groupby(columns[: level + 1] for columns in grid.columns):
        width, text = len(list(group)), latex(words[-1])
        cells.append(rf"\multicolumn{{{width}}}{{c}}{{{text}}}" if width > 1 else text)
    return cells


def _escaped(cell: str) -> str:
    return cell.replace("±", r"$\pm$").replace("∞", r"$\infty$").replace("–", "--")


def write_all(results: Results, folder: Path) -> list[Path]:
    """Write ``table.md``, ``table.csv``, ``table.tex``, ``cases.csv`` and ``models.csv``, each whole or not at all.

    Args:
        results: The results.
        folder: Folder of the files.
    """
    texts = {
        "table.md": to_markdown(results),
        "table.csv": long_table(results).to_csv(index=False),
        "table.tex": to_latex(results),
        "cases.csv": results.cases.to_csv(index=False),
        "models.csv": results.spent.to_csv(index=False),
    }
    for name, text in texts.items():
        with replacing(folder / name, overwrite=True) as file:
            file.write(text.encode())
    return [folder / name for name in texts]
