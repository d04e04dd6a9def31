"""Inquiry: a run is asked about one subject after the other, and what is found is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.data.records import listed
from anysyn.data.subjects import Failure, Subject
from anysyn.evaluation.findings import first_reason, open_findings, write_findings
from anysyn.evaluation.pairs import EvaluationError
from anysyn.progress import Progress
from anysyn.synthesis.run import LoadedRun


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
        what: One of `anysyn.evaluation.findings.FINDINGS`, the folder in that of the results.
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
