"""Findings: where an evaluation of something other than syntheses is written, beside the tables of the syntheses."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.data.records import Failure, Subject, listed
from anysyn.evaluation.errors import EvaluationError
from anysyn.files import write_text
from anysyn.progress import Progress
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.training.folder import RunFolder
from anysyn.versions import versions

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


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """Hold whom a run is asked about, where the findings go, and who is left out.

    Args:
        run: The run.
        subjects: Whom it is asked about.
        folder: Where the findings go.
        asked: What was asked for, as the record begins.
        failures: Subjects that are left out; more come while they are measured.
        progress: Shown what is done.
    """

    run: LoadedRun
    subjects: Sequence[Subject]
    folder: Path
    asked: Mapping[str, Any]
    failures: list[Failure]
    progress: Progress

    def over(self, title: str) -> Iterator[Subject]:
        """Go over the subjects."""
        return self.progress.over(title, self.subjects)

    def listed(self, subject: Subject) -> AbstractContextManager[None]:
        """Note a subject that fails, so that the others finish."""
        return listed(self.failures, subject.key)

    def check_any(self, count: int) -> None:
        """Refuse to summarise nothing.

        Args:
            count: Slices that were measured.

        Raises:
            EvaluationError: If there are none; the message gives the first reason.
        """
        if not count:
            where = f"split {self.asked['split']!r} of {self.asked['data'] or 'the data of the training'}"
            raise EvaluationError(f"no slice in {where} was measured{first_reason(self.failures)}")

    def write(self, tables: Mapping[str, pd.DataFrame], record: Mapping[str, Any]) -> None:
        """Write what was found.

        Args:
            tables: By the name of their file.
            record: What else was asked for and found.

        Raises:
            OSError: If a file cannot be written.
        """
        write_findings(self.run.folder, self.folder, tables, {**self.asked, **record}, self.failures)


def inquire(
    run: LoadedRun,
    what: str,
    *,
    data: str | Path | None,
    split: str,
    out: str | Path | None,
    overwrite: bool,
    progress: Progress | None,
) -> Inquiry:
    """Find the subjects and open the folder of the findings; what can be refused is to be refused before.

    Args:
        run: The run.
        what: One of `anysyn.probes.findings.FINDINGS`, the folder in that of the results.
        data: Root of the subjects; the data of the training, if None.
        split: ``train``, ``validation``, ``test`` or ``all``.
        out: Folder of the results; ``evaluation`` in the run folder, if None.
        overwrite: Whether earlier findings may be replaced.
        progress: Shown what is done; nothing, if None.

    Raises:
        EvaluationError: If there are findings already.
        UserError: If there are no subjects.
    """
    subjects, unread = run.subjects(data, split)
    folder = open_findings(run.folder, out, what, overwrite=overwrite)
    asked = {"run": run.folder.path, "data": data, "split": split}
    told = progress or Progress()
    return Inquiry(run=run, subjects=subjects, folder=folder, asked=asked, failures=[*unread], progress=told)
