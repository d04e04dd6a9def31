"""Subjects listed in a CSV or TSV file."""

from __future__ import annotations

import difflib
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from anysyn.data.errors import SidecarError
from anysyn.data.modalities import modalities, recognise
from anysyn.data.records import FoundSubjects
from anysyn.data.subjects.collector import Collector, failure, found_subjects
from anysyn.data.subjects.names.naming import Naming
from anysyn.data.subjects.several_files import Candidate
from anysyn.data.subjects.sidecars import read_sidecar
from anysyn.data.subjects.tables.participants import age_and_sex, doubts
from anysyn.data.subjects.tables.tsv import Table, read_table
from anysyn.data.volumes.formats import SUFFIXES, sidecar_path
from anysyn.errors import UserError
from anysyn.registry import suggest

COLUMNS = ("subject", "session", "person", "dataset", "age", "sex", "split")
IMAGE_COLUMNS = ("modality", "path")
SAME = {"participant_id": "subject", "subject_id": "subject", "session_id": "session"}  # as BIDS and pandas users write
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
SIDECARS = " sidecars"  # column of a modality's sidecars, where they are not the file of the same name
SIDECARS_BETWEEN = "|"
CHOOSE = "keep one of these lines"

Line = tuple[int, Mapping[str, str]]


@dataclass(frozen=True)
class _Columns:
    """What the columns of a table are: masks, modalities by column, and those that are not used."""

    masks: tuple[str, ...]
    images: Mapping[str, str]
    unused: tuple[str, ...]


def read_csv_list(path: Path, naming: Naming) -> FoundSubjects:
    """Find the subjects listed in a table.

    The table has a row per subject, with a column per modality, under any of its names, and columns ``mask`` or
    ``lesion_mask``; or a row per image, with the columns ``modality`` and ``path``. Both have a column ``subject`` (or
    ``participant_id``) and, optionally, ``session``, ``dataset``, ``age``, ``sex``, ``split``, and ``person`` where two
    subjects are visits of one. Paths are relative to the table. Columns may be separated by commas, semicolons or tabs.

    Args:
        path: ``.csv``, or ``.tsv`` with tabs.
        naming: What the names of columns mean.

    Raises:
        UserError: If the file is not a table, lacks the columns for subjects or images, has a column whose name looks
            like a mistake, or an unknown split.
    """
    table = _renamed(read_table(path))
    columns = _columns(path, table, naming)
    failures = [failure(path.name, path, f"line {line} {wrong}") for line, wrong in table.broken.items()]
    ignored = [
        failure(path.name, path, f"column {column!r} is not used; {_nearest(column)}") for column in columns.unused
    ]
    grouped: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for number, row in table.rows.items():
        failures += [failure(path.name, path, f"line {number}: {doubt}") for doubt in doubts(row)]
        if row["subject"]:
            grouped[row["subject"], row.get("session", "")].append((number, row))
        else:
            failures.append(failure(path.name, path, f"line {number} names no subject, so it is left out"))
    collected = [_subject(name, session, lines, path, columns) for (name, session), lines in sorted(grouped.items())]
    return replace(found_subjects(collected, failures, ignored), notes=table.notes)


def _renamed(table: Table) -> Table:
    """Return the table with the names of its columns that this module knows."""
    names = {column: SAME.get(column, column) for column in table.columns}
    if len(set(names.values())) < len(names):  # it has both; the other one is not used
        return table
    rows = {line: {names[column]: cell for column, cell in row.items()} for line, row in table.rows.items()}
    return replace(table, columns=tuple(names.values()), rows=rows)


def _columns(path: Path, table: Table, naming: Naming) -> _Columns:
    """Return what each column is.

    Raises:
        UserError: If there is none for subjects or images, or one whose name looks like a mistake.
    """
    masks = tuple(column for column in table.columns if column.endswith("mask"))
    images = {c: name for c in table.columns if c not in masks and (name := _modality_of(c, table, naming))}
    row_per_image = set(IMAGE_COLUMNS) <= set(table.columns)
    if "subject" not in table.columns or not (images or masks or row_per_image) or not (table.rows or table.broken):
        raise UserError(
            f"{path}: needs the column subject and either one for each modality or modality and path; "
            f"it has {', '.join(table.columns)}{'' if table.rows else ' and no rows'}"
        )
    sidecars = {column for column in table.columns if column.removesuffix(SIDECARS) in images}
    known = {*masks, *images, *sidecars, *COLUMNS, *(IMAGE_COLUMNS if row_per_image else ())}
    unused = tuple(column for column in table.columns if column not in known)
    for column in unused:
        if meant := _mistaken(column):
            raise UserError(f"{path}: line 1 has a column {column!r}; did you mean {meant!r}? rename or remove it")
    return _Columns(masks, images, unused)


def _modality_of(column: str, table: Table, naming: Naming) -> str | None:
    """Return the modality that a column is named for: ``t1ce``, or ``t1 post file`` if its cells are volumes."""
    known = recognise(column)
    cells = [row[column] for row in table.rows.values() if row[column]]
    if known is None and cells and all(cell.lower().endswith(SUFFIXES) for cell in cells):
        known = naming.column(re.sub(r"[ _-]?(file(name)?|path|image|nii|nifti)$", "", column))
    return known.name if known else None


def _mistaken(column: str) -> str | None:
    """Return the column that is meant by one with a letter too many, too few or in another place."""
    names = [*COLUMNS, *IMAGE_COLUMNS, *(name.lower() for one in modalities() for name in (one.name, *one.aliases))]
    near = [name for name in names if sorted(name) == sorted(column)] if len(column) > 3 else []
    near += [n for n in difflib.get_close_matches(column, names, cutoff=0.85) if abs(len(n) - len(column)) < 2]
    return near[0] if near else None


def _subject(subject: str, session: str, lines: Sequence[Line], path: Path, columns: _Columns) -> Collector:
    about, conflicts = _about(lines)
    key = "_".join(filter(None, (subject, session)))
    person = about.get("person") or subject
    images = Collector(key, about.get("dataset", path.stem), person, CHOOSE, age_and_sex(about))
    images.split = _split(about, path, lines[0][0])
    for conflict in conflicts:
        images.leave_out(path, f"{conflict}, so {key} is left out")
    for line, row in [] if conflicts else lines:
        _add_images(images, line, row, path, columns)
    if not images.images and not images.failures:
        images.leave_out(path, f"line {lines[0][0]}: {key} names no image")
    return images


def _about(lines: Sequence[Line]) -> tuple[dict[str, str], list[str]]:
    """Return what the lines of a subject say of it, and where two of them say different things."""
    about: dict[str, str] = {}
    first: dict[str, int] = {}
    conflicts = []
    for line, row in lines:
        for column in (column for column in COLUMNS if row.get(column)):
            if about.setdefault(column, row[column]) != row[column]:
                values = f"{column} {about[column]!r} and {row[column]!r}"
                conflicts.append(f"lines {first[column]} and {line} say {values}; keep one")
            first.setdefault(column, line)
    return about, conflicts


def _add_images(images: Collector, line: int, row: Mapping[str, str], path: Path, columns: _Columns) -> None:
    for column in (column for column in columns.masks if row.get(column)):
        _add_mask(images, column, line, path, row[column])
    for column, name in columns.images.items():
        if row.get(column):
            _add_image(images, name, line, path, row[column], row.get(f"{column}{SIDECARS}", ""))
    if row.get("path") and "modality" in row:
        word, file = row["modality"], row["path"]
        if word.lower().endswith("mask"):
            _add_mask(images, word, line, path, file)
        elif known := recognise(word):
            _add_image(images, known.name, line, path, file, "")
        else:
            choices = suggest(word, [one.name for one in modalities()])
            images.leave_out(_file(path, file), f"line {line}: no modality named {word!r}; {choices}")


def _add_mask(images: Collector, column: str, line: int, path: Path, cell: str) -> None:
    file, name = _file(path, cell), column.lower().removesuffix("mask").rstrip("_- ") or "mask"
    if not os.path.isfile(file):
        images.leave_out(file, f"line {line}: {file}: no such file; paths are relative to {path.parent}")
        return
    images.add_mask(name, Candidate(file, f"line {line}", scan=(str(line),), line=line))


def _add_image(images: Collector, name: str, line: int, path: Path, cell: str, listed: str) -> None:
    file = _file(path, cell)
    beside = sidecar_path(file)
    sidecars = tuple(_file(path, sidecar.strip()) for sidecar in listed.split(SIDECARS_BETWEEN) if sidecar.strip())
    sidecars = sidecars or ((beside,) if os.path.isfile(beside) else ())
    try:
        fields = {key: value for sidecar in sidecars for key, value in read_sidecar(sidecar).items()}
    except SidecarError as error:
        images.leave_out(file, f"line {line}: {error}", name)
        return
    scan = (str(line),)
    images.add(name, Candidate(file, f"line {line}", scan=scan, fields=fields, sidecars=sidecars, line=line))


def _file(table: Path, cell: str) -> Path:
    """Return the file that a cell names, relative to the table; a path as Windows writes it, too."""
    own = table.parent / cell
    home = table.parent / os.path.expanduser(cell)  # unlike Path.expanduser, a user who is not known is no error
    other = table.parent / cell.replace("\\", "/")
    return next((file for file in (home, own, other) if os.path.exists(file)), home)


def _split(about: Mapping[str, str], path: Path, line: int) -> str | None:
    word = about.get("split")
    if word is not None and word.lower() not in SPLITS:
        raise UserError(f"{path}: line {line}: no split named {word!r}; {suggest(word, SPLITS)}")
    return None if word is None else SPLITS[word.lower()]


def _nearest(column: str) -> str:
    return suggest(column, [*COLUMNS, *IMAGE_COLUMNS, *(known.name for known in modalities())])
