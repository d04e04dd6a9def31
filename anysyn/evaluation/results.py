"""Results of an evaluation, and how its folder is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from anysyn.data.records import Failure
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics.protocol import Protocol
from anysyn.evaluation.tables.cases_table import margins, summarise, to_csv
from anysyn.evaluation.tables.markdown_latex import to_latex, to_lines, to_markdown
from anysyn.evaluation.tables.significance import compare
from anysyn.files import write_text
from anysyn.text.counts import counted
from anysyn.text.in_notebooks import LinesInNotebooks
from anysyn.versions import versions

LACKING = ("subject lacks a contrast and is", "subjects lack a contrast and are")


@dataclass(frozen=True, kw_only=True)
class Evaluation(LinesInNotebooks):
    """The results of an evaluation.

    Args:
        folder: Folder that they are written to.
        protocol: How images were compared.
        cases: A row for each subject, method and pair, as `case_row` writes them.
        summary: Mean and standard deviation, as `summarise` returns them.
        margins: Margin of the model over each baseline, as `margins` returns it.
        statistics: Intervals, and tests against the best method, as `compare` returns them.
        inputs: Quality of degraded or corrupted sources: a row for each subject and modality with ``input_psnr`` and
            the metrics of the protocol; empty if the sources are as they were.
        failures: Subjects and pairs that could not be evaluated.
        skipped: By pair, how many subjects lack one of its contrasts.
        notes: Lines for the foot of the table.
    """

    folder: Path
    protocol: Protocol
    cases: pd.DataFrame
    summary: pd.DataFrame
    margins: pd.DataFrame
    statistics: pd.DataFrame
    inputs: pd.DataFrame
    failures: tuple[Failure, ...]
    skipped: Mapping[str, int]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        """Return what was compared, and where all of it lies."""
        people = counted(self.cases["subject"].nunique() if len(self.cases) else 0, "subject")
        failures = counted(len(self.failures), "failure")
        return (
            f"Evaluation({people}, protocol {self.protocol.name} ({self.protocol.digest}), {failures}; {self.folder})"
        )

    def markdown(self) -> str:
        """Return the table and the margins over the baselines as Markdown."""
        return to_markdown(self.summary, self.margins, self.notes)

    def lines(self) -> list[str]:
        """Return the table and the margins over the baselines for a terminal, and the path of the folder."""
        return [*to_lines(self.summary, self.margins, self.notes), "", f"all of it: {self.folder}"]


def results_of(
    rows: Sequence[Mapping[str, Any]],
    *,
    folder: Path,
    protocol: Protocol,
    failures: tuple[Failure, ...],
    skipped: Mapping[str, int],
    notes: Sequence[str],
    inputs: Sequence[Mapping[str, Any]] = (),
    seed: int = 0,
) -> Evaluation:
    """Summarise the cases of an evaluation.

    ``rows`` are as `case_row` writes them, ``seed`` is that of the bootstrap, the others are fields of `Evaluation`.

    Raises:
        EvaluationError: If there is no case.
    """
    if not rows:
        first = f"; the first of {counted(len(failures), 'failure')}: {failures[0]}" if failures else ""
        raise EvaluationError(f"no case could be evaluated{first}")
    cases = pd.DataFrame(rows)
    lacking = {pair: counted(count, *LACKING) for pair, count in skipped.items() if count}
    skips = [f"{pair}: {those} skipped." for pair, those in lacking.items()]
    failed = [f"{counted(len(failures), 'failure is', 'failures are')} listed in protocol.json."] if failures else []
    return Evaluation(
        folder=folder,
        protocol=protocol,
        cases=cases,
        summary=summarise(cases),
        margins=margins(cases),
        statistics=compare(cases, generator=np.random.default_rng(seed)),
        inputs=pd.DataFrame(inputs),
        failures=failures,
        skipped=skipped,
        notes=(protocol.describe(), *notes, *skips, *failed),
    )


def write_results(result: Evaluation, options: Mapping[str, Any]) -> None:
    """Write the tables and the record, with the options, into the folder, each file whole or not at all.

    Raises:
        OSError: If a file cannot be written.
    """
    frames = {"cases": result.cases, "table": result.summary, "margins": result.margins}
    for name, frame in {**frames, "statistics": result.statistics, "inputs": result.inputs}.items():
        if name != "inputs" or not frame.empty:
            write_text(result.folder / f"{name}.csv", to_csv(frame))
    write_text(result.folder / "table.md", result.markdown())
    write_text(result.folder / "table.tex", to_latex(result.summary, result.notes))
    record = {
        **options,
        "protocol": result.protocol.fields(),
        "digest": result.protocol.digest,
        "skipped": dict(result.skipped),
        "failures": [{"subject": failure.key, "reason": failure.reason} for failure in result.failures],
        "notes": list(result.notes),
        "versions": versions() | {name: version(name) for name in ("scikit-learn", "pandas")},
    }
    write_text(result.folder / "protocol.json", json.dumps(record, indent=2, default=str) + "\n")
