"""The contract of a probe: one question about a trained run, asked of every subject."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
from pydantic import BaseModel, ConfigDict

from anysyn.data.records import Failure, Subject
from anysyn.probes.findings import Findings
from anysyn.probes.measurement import Measurement
from anysyn.probes.section import Grid, Section
from anysyn.probes.tables import Table
from anysyn.progress import Progress
from anysyn.registry import Given
from anysyn.synthesis.loaded_run import LoadedRun


class Options(BaseModel):
    """The options of a probe: each field is an option of the command and a keyword of `anysyn.probe`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a probe is asked for besides its own options.

    Args:
        data: Root of the subjects; None for the data of the training.
        split: ``train``, ``validation``, ``test`` or ``all``.
        folder: Where the findings go.
        batch: Slices or patches the network sees at once: what bounds the memory.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, for further runs that are loaded.
        progress: Shows how far the preparations are.
    """

    data: Path | None
    split: str
    folder: Path
    batch: int = 8
    accelerator: str = "auto"
    progress: Progress = field(default_factory=Progress)

    @property
    def where(self) -> str:
        """Return whose images are measured, in words."""
        return f"split {self.split!r} of {self.data or 'the data of the training'}"


@dataclass(frozen=True)
class Conclusion:
    """What all measurements together say.

    Args:
        tables: By name.
        notes: What else a reader has to know, a sentence each.
        record: What else is kept, as JSON.
    """

    tables: Mapping[str, Any]
    notes: Sequence[str] = ()
    record: Mapping[str, Any] = field(default_factory=dict)


class Probe(ABC):
    """One question about a trained run.

    The runner calls `begin` once in every process, `measure` for each subject, and `conclude` once at the end. What
    `measure` returns depends on the subject alone, so subjects may be measured in any order and in several processes.

    Args:
        settings: The options that were chosen.

    Attributes:
        files: Globs of further files that the probe writes into its folder, such as ``outlines_*.npz``.
        failures: What `begin` or `conclude` had to leave out; the runner lists it with the subjects that failed.
    """

    kind: ClassVar[str] = "probe"
    title: ClassVar[str]
    options: ClassVar[type[Options]] = Options
    tables: ClassVar[Mapping[str, Table]]
    files: ClassVar[Sequence[str]] = ()

    def __init__(self, *, settings: Given[Any]) -> None:
        self.settings = settings
        self.failures: list[Failure] = []

    def begin(self, run: LoadedRun, request: Request, subjects: Sequence[Subject]) -> Sequence[Subject]:
        """Load and compute what the question needs besides the run, and refuse what cannot be asked.

        Args:
            run: The run.
            request: What is asked for.
            subjects: Those of the split.

        Returns:
            The subjects that are measured; all by default.

        Raises:
            EvaluationError: If the run cannot be asked this.
        """
        return subjects

    @abstractmethod
    def measure(self, run: LoadedRun, subject: Subject) -> Measurement:
        """Measure one subject.

        Args:
            run: The run.
            subject: One of those that `begin` returned.

        Raises:
            UserError: If the subject cannot be used; it is listed, and the others go on.
        """

    def conclude(self, run: LoadedRun, measurements: Sequence[Measurement]) -> Conclusion:
        """Gather the measurements of all subjects; by default their rows, one below the other.

        Args:
            run: The run.
            measurements: In the order of the subjects; at least one.

        Raises:
            EvaluationError: If they do not suffice.
        """
        rows = {name: [row for one in measurements for row in one.rows.get(name, ())] for name in self.tables}
        return Conclusion({name: self.tables[name].frame(rows[name]) for name in self.tables})

    @abstractmethod
    def summary(self, findings: Findings) -> Sequence[Grid]:
        """Return the answer in short, for the terminal and ``summary.md``.

        Args:
            findings: With the tables of `conclude`.
        """

    @abstractmethod
    def section(self, findings: Findings) -> Section:
        """Return the section of the report.

        Args:
            findings: Read back from their folder.
        """


def rows_of(measurements: Sequence[Measurement], table: str) -> pd.DataFrame:
    """Gather the rows of one table over all subjects.

    Args:
        measurements: In order.
        table: Its name.

    Example:
        >>> rows_of([Measurement({"cases": [{"psnr": 20.0}]}), Measurement({"cases": [{"psnr": 21.0}]})], "cases")
           psnr
        0  20.0
        1  21.0
    """
    return pd.DataFrame([row for one in measurements for row in one.rows.get(table, ())])


def failures_of(measurements: Sequence[Measurement]) -> list[Failure]:
    """Gather what of the subjects could not be measured.

    Args:
        measurements: In order.
    """
    return [failure for one in measurements for failure in one.failures]
