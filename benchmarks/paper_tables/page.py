"""The page: all tables of a run of the benchmarks in a single HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from anysyn.errors import UserError
from anysyn.evaluation.tables.format import number
from anysyn.figures.planes import LIMIT
from anysyn.files import replacing
from anysyn.text.counts import counted
from paper_tables.figures import boxes, curves, strips
from paper_tables.launch import duration
from paper_tables.layout import Grid, grid_of
from paper_tables.results import Entry, Results, heading
from paper_tables.write_table import METRIC, OVERALL, notes_of, orders, overall_cells, p_value

TEMPLATE = Path(__file__).parent / "page.html"
MOST = 12  # examples of a table
MARK = "For research only, not for clinical use. Made by anysyn"  # in each page
KINDS = ("", "best", "second")


def write_page(tables: Sequence[Results], path: Path) -> Path:
    """Write the page, whole or not at all.

    Args:
        tables: Results of the tables.
        path: The file.

    Raises:
        UserError: If something else is there.
    """
    if path.exists() and not (path.is_file() and MARK in path.read_text(encoding="utf-8", errors="replace")):
        raise UserError(f"{path} is no page of the benchmarks, so it is left alone; choose another --out")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    made_by = f"anysyn {version('anysyn')}"
    text = template.render(tables=[_section(results) for results in tables], limit=f"{LIMIT:.0%}", made_by=made_by)
    with replacing(path, overwrite=True) as file:
        file.write(text.encode())
    return path


def _section(results: Results) -> dict[str, Any]:
    table, grid = results.plan.table, grid_of(results)
    drawn = [draw(results, measure) for measure in table.metrics for draw in (boxes, curves)]
    return {
        "name": table.name,
        "title": table.title,
        "about": table.about,
        "paper": table.paper,
        "simulated": results.plan.simulated,
        "corner": grid.corner,
        "header": [list(_spans(grid, level)) for level in range(len(grid.columns[0]))],
        "rows": list(_rows(grid)),
        "notes": notes_of(results),
        "how": OVERALL,
        "overall": overall_cells(results),
        "orders": [_order(*line) for line in orders(results)],
        "charts": [picture for picture in drawn if picture is not None],
        "strips": list(islice(strips(results), MOST)),
        "spent": [_spent(row) for row in results.spent.to_dict("records")],
    }


def _spans(grid: Grid, level: int) -> Iterator[tuple[str, int]]:
    for words, group in groupby(columns[: level + 1] for columns in grid.columns):
        yield words[-1], len(list(group))


def _rows(grid: Grid) -> Iterator[dict[str, Any]]:
    for i, words in enumerate(grid.rows):
        cells = [_cell(e, p[METRIC]) for e, p in zip(grid.entries[i], grid.places[i], strict=True)]
        yield {"words": words, "cells": cells, "first": i > 0 and words[0] != grid.rows[i - 1][0]}
    if grid.parameters:
        blank = [""] * (len(grid.corner) - 1)
        cells = [{"own": text, "paper": "", "kind": "", "more": ""} for text in grid.parameters]
        yield {"words": ["Parameters", *blank], "cells": cells, "first": True}


def _cell(entry: Entry | None, metric: str) -> dict[str, str]:
    if entry is None:
        return {"own": "", "paper": "", "kind": "", "more": ""}
    digits = heading(metric).digits
    paper = "" if entry.published is None else number(entry.published.mean, digits)
    if entry.note:
        return {"own": entry.note, "paper": paper, "kind": "none", "more": ""}
    own = number(entry.mean, digits) + (f" ± {number(entry.sd, digits)}" if entry.sd == entry.sd else "")
    more = [
        counted(entry.cases, "subject"),
        f"95 % interval {number(entry.low, digits)} to {number(entry.high, digits)}",
    ]
    more += [f"± {number(entry.seeds, digits)} over seeds"] if entry.seeds == entry.seeds else []
    more += [f"p {p_value(entry.p)} against the best"] if entry.p == entry.p else []
    return {"own": own, "paper": paper, "kind": KINDS[entry.place], "more": "; ".join(more)}


def _order(measure: str, whole: float, each: float) -> str:
    return (
        f"Agreement with the paper's order by {heading(measure).label} (Kendall's tau): {number(whole, 2)} for the "
        f"means over all tasks, {number(each, 2)} on average task by task."
    )


def _spent(row: dict[Any, Any]) -> list[str]:
    times = [duration(float(row[name])) for name in ("seconds", "cpu_seconds")]
    gpu = row.get("gpu_memory_mib", float("nan"))
    return [str(row["method"]), str(row["model"]), *times, number(float(row["memory_mib"]), 0), number(float(gpu), 0)]
