"""Findings: the tables and the record that a probe leaves in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.data.records import Failure
from anysyn.errors import UserError
from anysyn.evaluation.errors import EvaluationError
from anysyn.files import check_name, contents_of, listing, locked, read_json, write_manifest, write_text
from anysyn.files.manifest import MANIFEST
from anysyn.probes.measurement import KEPT, UNFINISHED
from anysyn.probes.section import Grid
from anysyn.probes.tables import Table
from anysyn.text.in_notebooks import LinesInNotebooks
from anysyn.training.run_folder.folder import RunFolder
from anysyn.versions import versions

MADE_BY = "anysyn probe"
RECORD = "record.json"  # written last, so a folder with a record is whole


@dataclass(frozen=True, kw_only=True)
class Findings(LinesInNotebooks):
    """What a probe found.

    Args:
        folder: Where it lies.
        tables: By the name of their file.
        record: What was asked for, the notes, what failed, the versions.
        grids: The answer in short; empty if it was read back.
    """

    folder: Path
    tables: Mapping[str, pd.DataFrame]
    record: Mapping[str, Any]
    grids: tuple[Grid, ...] = ()

    def __repr__(self) -> str:
        """Return where it lies, and the names of the tables."""
        return f"Findings({', '.join(self.tables) or 'no table'}; {self.folder})"

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what else a reader has to know."""
        return tuple(self.record["notes"])

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Return what could not be measured."""
        return tuple(Failure(one["subject"], None, one["reason"]) for one in self.record["failures"])

    def lines(self) -> list[str]:
        """Return the answer in short for a terminal, and where all of it lies."""
        tables = [line for grid in self.grids for line in (*grid.lines(), "")]
        return [*tables, *self.notes, f"all of it: {self.folder}"]

    def markdown(self) -> str:
        """Return the answer in short as Markdown."""
        notes = "\n".join(f"- {note}" for note in self.notes)
        return "\n\n".join([*(grid.markdown() for grid in self.grids), notes]) + "\n"

    @property
    def where(self) -> str:
        """Return whose images were measured, in words."""
        return f"split {self.record['split']} of {self.record['data'] or 'the data of the training'}"


@contextmanager
def findings_folder(
    folder: Path, probe: str, tables: Iterable[str], files: Sequence[str], *, overwrite: bool
) -> Iterator[None]:
    """Lock a folder of findings, and list in its manifest what the probe writes there.

    Args:
        folder: Of the findings, in that of the results.
        probe: Name of the probe.
        tables: Names of its tables.
        files: Globs of other files that it writes.
        overwrite: Whether earlier findings may be replaced.

    Raises:
        EvaluationError: If it is a file, holds earlier findings that may not be replaced, or files that no probe wrote.
        UserError: If a table has a name that is no file, or another process writes there.
    """
    for path in (folder.parent, folder):
        if path.is_file():
            raise EvaluationError(f"{path} is a file; choose another --out")
    own = [f"{escape(check_name(name, f'a table of the probe {probe}'))}.csv" for name in tables]
    kept = [f"{UNFINISHED}/{name}" for name in KEPT]
    with locked(folder, f"anysyn probe {probe}"):
        _check_free(folder, overwrite)
        write_manifest(folder, MADE_BY, [RECORD, "summary.md", *own, *files, *kept])
        try:
            yield
        finally:
            contents = contents_of(folder, MADE_BY)
            if contents.own == [folder / MANIFEST]:  # nothing was written
                contents.delete()


def _check_free(folder: Path, overwrite: bool) -> None:
    contents = contents_of(folder, MADE_BY)
    others = [*contents.foreign, *(inner.folder for inner in contents.nested)]
    if others:
        raise EvaluationError(
            f"{folder} holds {listing(others, folder)}, which no probe wrote{contents.origin()}; move that away, or "
            "choose another --out"
        )
    if (folder / RECORD).exists() and not overwrite:
        raise EvaluationError(f"{folder} holds findings; choose another --out or allow replacing them with --overwrite")


def withdraw(folder: Path) -> None:
    """Delete the record of earlier findings, without which the rest counts for nothing.

    Args:
        folder: Of the findings.
    """
    (folder / RECORD).unlink(missing_ok=True)


def write_findings(findings: Findings, columns: Mapping[str, Table]) -> None:
    """Write tables as CSV, the answer in short as Markdown, and last the record as JSON.

    Args:
        findings: What was found.
        columns: Of each table.

    Raises:
        OSError: If a file cannot be written.
    """
    folder = findings.folder
    withdraw(folder)
    for name, table in findings.tables.items():
        columns[name].write(folder / f"{name}.csv", table)
    write_text(folder / "summary.md", findings.markdown())
    write_text(folder / RECORD, json.dumps({**findings.record, "versions": versions()}, indent=2, default=str) + "\n")


def find_findings(run: RunFolder, results: str | Path | None, name: str) -> Path | None:
    """Return the folder of a probe's findings: in the results named, or in the run's latest, or None.

    Args:
        run: The run. If its ``evaluation.json`` leads nowhere, its own ``evaluation`` counts.
        results: A folder of results.
        name: The probe's.

    Example:
        >>> find_findings(RunFolder(Path("nowhere")), None, "embeddings") is None
        True
    """
    pointer, own = run.path / "evaluation.json", run.path / "evaluation"
    latest = run.path / run.read(pointer.name)["results"] if pointer.is_file() else own
    folders = [Path(results)] if results is not None else [latest, own]
    return next((folder / name for folder in folders if (folder / name / RECORD).is_file()), None)


def read_findings(folder: Path, columns: Mapping[str, Table]) -> Findings:
    """Read findings.

    Args:
        folder: What `find_findings` returned.
        columns: Of each table.

    Raises:
        UserError: If a file cannot be read or has other columns.
    """
    try:
        record = read_json(folder / RECORD)
        tables = {name: table.read(folder / f"{name}.csv") for name, table in columns.items()}
        _ = record["data"], record["split"], record["failures"], record["notes"], record["options"]
    except (OSError, ValueError, KeyError, TypeError) as error:  # pandas and JSON raise kinds of ValueError
        raise UserError(f"{folder}: its findings cannot be read ({error}); run the probe again") from error
    return Findings(folder=folder, tables=tables, record=record)


def first_reason(failures: Sequence[Failure]) -> str:
    """Write why the first one failed as the end of a message; nothing, if none did.

    Example:
        >>> first_reason([Failure("sub-01", None, "cut off"), Failure("sub-02", None, "empty")])
        ' (sub-01: cut off)'
    """
    return f" ({failures[0].key}: {failures[0].reason})" if failures else ""
