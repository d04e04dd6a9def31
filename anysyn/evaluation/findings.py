"""Findings: where an evaluation of something other than syntheses is written, beside the tables of the syntheses."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.data.subjects import Failure
from anysyn.evaluation.pairs import EvaluationError
from anysyn.training.folder import RunFolder, versions, write_text

# Folders in the folder of the results.
EMBEDDINGS, CONTENT, ALIGNMENT, RETRIEVAL, SWEEP = "embeddings", "content", "alignment", "retrieval", "sweep"
SEGMENTATION, ROBUSTNESS, MODULATION = "segmentation", "robustness", "modulation"
FINDINGS = (EMBEDDINGS, CONTENT, ALIGNMENT, RETRIEVAL, SWEEP, SEGMENTATION, ROBUSTNESS, MODULATION)
RECORD = "record.json"


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Hold what every evaluation beside the syntheses ends with; each has tables of its own.

    Args:
        folder: Where it was written.
        failures: Subjects that were left out.
        notes: What else a reader has to know.
    """

    folder: Path
    failures: tuple[Failure, ...]
    notes: tuple[str, ...]

    def table(self) -> list[str]:
        """Return what was found in short, as aligned lines."""
        raise NotImplementedError

    def lines(self) -> list[str]:
        """Return what was found in short for a terminal, and where all of it lies."""
        return [*self.table(), "", *self.notes, f"all of it: {self.folder}"]


def open_findings(run: RunFolder, out: str | Path | None, what: str, *, overwrite: bool) -> Path:
    """Return the folder of one kind of findings, which lies in the folder of the results.

    Args:
        run: The run.
        out: Folder of the results; ``evaluation`` in the run folder, if None.
        what: One of `FINDINGS`, the folder in it.
        overwrite: Whether earlier findings may be replaced.

    Raises:
        EvaluationError: If it is a file, or holds earlier findings that may not be replaced.
    """
    folder = Path(out or run.path / "evaluation") / what
    for path in (folder.parent, folder):
        if path.is_file():
            raise EvaluationError(f"{path} is a file; choose another --out")
    if (folder / RECORD).exists() and not overwrite:
        raise EvaluationError(f"{folder} holds findings; choose another --out or allow replacing them with --overwrite")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).unlink(missing_ok=True)  # it is written last, so a folder with a record is whole
    return folder


def write_findings(
    run: RunFolder,
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    record: Mapping[str, Any],
    failures: Sequence[Failure],
) -> None:
    """Write tables as CSV and the record as JSON, and note in the run where they lie.

    Args:
        run: The run.
        folder: What `open_findings` returned.
        tables: By the name of their file.
        record: What was asked for and found.
        failures: Subjects that were left out.

    Raises:
        OSError: If a file cannot be written.
    """
    for name, table in tables.items():
        write_text(folder / f"{name}.csv", table.to_csv(index=False))
    listed = [{"subject": failure.key, "reason": failure.reason} for failure in failures]
    whole = {**record, "failures": listed, "versions": versions()}
    write_text(folder / RECORD, json.dumps(whole, indent=2, default=str) + "\n")
    run.write("evaluation.json", {"results": str(folder.parent.resolve())})  # where a report finds the latest


def first_reason(failures: Sequence[Failure]) -> str:
    """Write why the first one failed as the end of a message; nothing, if none did.

    Example:
        >>> first_reason([Failure("sub-01", None, "cut off"), Failure("sub-02", None, "empty")])
        ' (sub-01: cut off)'
    """
    return f" ({failures[0].key}: {failures[0].reason})" if failures else ""


def json_rows(table: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Return the rows of a table for JSON, where a number that does not exist is null.

    Example:
        >>> json_rows(pd.DataFrame({"psnr": [30.0, float("nan")]}))
        [{'psnr': 30.0}, {'psnr': None}]
    """
    return table.astype(object).where(table.notna(), None).to_dict("records")
