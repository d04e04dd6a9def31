"""One table over all people who were left out: the cases of the folds that are finished, together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from anysyn.evaluation.metrics.protocol import protocol as find_protocol
from anysyn.evaluation.tables.cases_table import margins, read_cases, summarise, to_csv
from anysyn.evaluation.tables.markdown_latex import to_lines, to_markdown
from anysyn.evaluation.tables.significance import compare
from anysyn.files import write_text


def write_pooled(out: Path, protocol: str, results: Sequence[Path], *, folds: int, people: int) -> list[str]:
    """Write ``PROTOCOL-cases.csv``, ``-table.md`` and ``-statistics.csv`` over the folds, and return the table's lines.

    Args:
        out: Folder to write into.
        protocol: Name of the protocol.
        results: Results folder of each finished fold, at least one.
        folds: Number of all folds.
        people: Number of all subjects that are to be left out.

    Raises:
        UserError: If the folds were measured under different protocols.
    """
    cases = read_cases(*(folder / "cases.csv" for folder in results))
    scored = len(cases[["dataset", "subject"]].drop_duplicates())
    notes = [
        find_protocol(protocol).describe(),
        f"{scored} of {people} subjects, each synthesized by networks that were trained without them; "
        f"{len(results)} of {folds} folds.",
    ]
    table, margin = summarise(cases), margins(cases)
    write_text(out / f"{protocol}-cases.csv", to_csv(cases))
    write_text(out / f"{protocol}-table.md", to_markdown(table, margin, notes))
    write_text(out / f"{protocol}-statistics.csv", to_csv(compare(cases, generator=np.random.default_rng(0))))
    return to_lines(table, margin, notes)
