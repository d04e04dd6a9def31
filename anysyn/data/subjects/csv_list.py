"""Subjects listed in a CSV or TSV file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from anysyn.data.modalities import modalities, modality, recognise
from anysyn.data.records import Failure, FoundSubjects
from anysyn.data.subjects.collector import Collector, failure, found_subjects
from anysyn.data.subjects.naming import Naming
from anysyn.data.subjects.sidecars import sidecar_beside
from anysyn.data.subjects.tsv import age_and_sex, read_table
from anysyn.errors import UserError
from anysyn.registry import suggest

COLUMNS = ("subject", "session", "dataset", "age", "sex", "split")
IMAGE_COLUMNS = ("modality", "path")
SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


def read_csv_list(path: Path, naming: Naming) -> FoundSubjects:
    """Find the subjects listed in a table.

    The table has a row per subject, with a column per modality, under any of its names, and columns ``mask`` or
    ``lesion_mask``; or a row per image, with the columns ``modality`` and ``path``. Both have a column ``subject`` and,
    optionally, ``session``, ``dataset``, ``age``, ``sex`` and ``split``. Paths are relative to the table.

    Args:
        path: ``.csv``, or ``.tsv`` with tabs.
        naming: Unused: the table says what each file is.

    Raises:
        UserError: If the file is not a table, lacks the columns for subjects or images, or has an unknown split.
    """
    rows = read_table(path)
    unused = _check_columns(path, list(rows[0]) if rows else [])
    failures: list[Failure] = []
    ignored = [failure(path.name, path, f"column {column!r} is not used; {_nearest(column)}") for column in unused]
    grouped: dict[tuple[str, str], list[Mapping[str, str]]] = defaultdict(list)
    for number, row in enumerate(rows, 2):
        if row["subject"]:
            grouped[row["subject"], row.get("session", "")].append(row)
        else:
            failures.append(failure(path.name, path, f"line {number} names no subject, so it is left out"))
    collected = []
    for (person, session), lines in sorted(grouped.items()):
        about = {column: cell for line in lines for column, cell in line.items() if cell}
        key = "_".join(filter(None, (person, session)))
        images = Collector(key, about.get("dataset", path.stem), person, age_and_sex(about))
        _add_images(images, lines, path)
        images.split = _split(about, path) if images.files else None
        collected.append(images)
    return found_subjects(collected, failures, ignored)


def _check_columns(path: Path, columns: Sequence[str]) -> list[str]:
    """Return the columns that are not used."""
    images = [column for column in columns if _is_mask(column) or recognise(column)]
    row_per_image = set(IMAGE_COLUMNS) <= set(columns)
    if "subject" not in columns or not (images or row_per_image):
        raise UserError(
            f"{path}: needs the column subject and either one for each modality or modality and path; "
            f"it has {', '.join(columns) or 'no rows'}"
        )
    known = {*images, *COLUMNS, *(IMAGE_COLUMNS if row_per_image else ())}
    return [column for column in columns if column not in known]


def _add_images(images: Collector, lines: Sequence[Mapping[str, str]], path: Path) -> None:
    for name, cell in (pair for line in lines for pair in _cells(line)):
        file = path.parent / cell
        if _is_mask(name):
            images.add_mask(name.removesuffix("mask").rstrip("_- ") or name, file)
            continue
        try:
            canonical = modality(name).name
        except UserError as error:
            images.leave_out(file, str(error))
        else:
            images.add(canonical, file, partial(sidecar_beside, file))
    if not images.files and not images.failures:
        images.leave_out(path, f"{images.key} names no image")


def _cells(line: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for column, cell in line.items():
        if cell and (_is_mask(column) or recognise(column)):
            yield column, cell
    if line.get("path"):
        yield line.get("modality", ""), line["path"]


def _is_mask(column: str) -> bool:
    return column.lower().endswith("mask")


def _split(about: Mapping[str, str], path: Path) -> str | None:
    word = about.get("split")
    if word is not None and word.lower() not in SPLITS:
        raise UserError(f"{path}: {about['subject']}: no split named {word!r}; {suggest(word, SPLITS)}")
    return None if word is None else SPLITS[word.lower()]


def _nearest(column: str) -> str:
    return suggest(column, [*COLUMNS, *IMAGE_COLUMNS, *(known.name for known in modalities())])
