"""The search for subjects in a BIDS dataset, a tree of folders or a table."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Literal

from anysyn.data.records import Failure, FoundSubjects, Subject, listed
from anysyn.data.subjects.collector import failure
from anysyn.data.subjects.layouts.bids import is_bids, read_bids
from anysyn.data.subjects.layouts.bids_below import datasets_below, only_dataset, outside
from anysyn.data.subjects.layouts.bids_labels import AskedLabels, Labels
from anysyn.data.subjects.layouts.folders import read_folders
from anysyn.data.subjects.names.naming import Naming
from anysyn.data.subjects.remedies import OF_RECIPE, Remedies
from anysyn.data.subjects.tables.csv_list import read_csv_list
from anysyn.data.volumes.formats import SUFFIXES
from anysyn.errors import UserError
from anysyn.files import check_names
from anysyn.registry import suggest

Layout = Literal["auto", "bids", "folders", "csv"]

_TABLES = {".csv", ".tsv"}
_WORKBOOKS = {".xlsx", ".xlsm", ".xls", ".ods", ".numbers"}
_LOOKED_FOR = {
    "bids": "sub-*/[ses-*/]anat, dwi, ct or pet with .nii.gz files",
    "folders": "folders with one .nii or .nii.gz file for each contrast, named for it: T1w.nii.gz, x_t1ce.nii.gz",
    "csv": "rows that name a subject and its files",
}


class NoSubjectFoundError(UserError):
    """There is no subject.

    Args:
        message: Where, what was looked for, and the first reason.
        found: What was left out, and why.
    """

    def __init__(self, message: str, found: FoundSubjects) -> None:
        super().__init__(message)
        self.found = found


def find_subjects(
    root: str | os.PathLike[str],
    *,
    layout: Layout = "auto",
    dataset: str | None = None,
    names: Mapping[str, str] | None = None,
    bids: Labels | None = None,
    remedies: Remedies = OF_RECIPE,
) -> FoundSubjects:
    """Find subjects and their images; a file that cannot be used is listed, and the others go on.

    Of several files of one modality the one with the plainer name is used and the others are listed. Where that does
    not decide, none is used, and the failure says how to choose: by ``names``, by ``bids``, or with a table.

    Args:
        root: A BIDS dataset, or a folder with a single one; a tree of folders with one file for each contrast; or a CSV
            or TSV file.
        layout: Which of these it is; ``auto`` detects it.
        dataset: Name of the dataset for all subjects; by default each has its own.
        names: Modality, or ``none``, by a glob of file names; decides before name and sidecar (`Naming`).
        bids: Labels of the files to use, by entity, for all modalities or one: ``{"acq": "highres"}`` (`AskedLabels`).
        remedies: How the user may say which file is meant, for messages; by default as in a recipe.

    Returns:
        The subjects, sorted by key, each with any subset of the modalities, and what was left out.

    Raises:
        NoSubjectFoundError: If there is no subject.
        UserError: If the root is missing, or the layout, or an entity or modality of ``bids``, is unknown.

    Example:
        >>> find_subjects("nowhere")
        Traceback (most recent call last):
        anysyn.errors.UserError: nowhere: no such file or folder; check the path (in a recipe: data.root)
    """
    root = Path(root)
    if not root.exists():
        raise UserError(f"{root}: no such file or folder; check the path (in a recipe: data.root)")
    chosen = _detect_layout(root) if layout == "auto" else layout
    if chosen not in _LOOKED_FOR:
        raise UserError(f"no layout named {layout!r}; {suggest(layout, ['auto', *_LOOKED_FOR])}")
    if chosen == "csv" and root.is_file() and root.suffix.lower() not in _TABLES:  # of whatever it is nothing is shown
        raise UserError(f"{root}: is no table; name a file that ends in .csv or .tsv")
    if root.is_dir() == (chosen == "csv"):
        raise UserError(f"{root}: is a {'folder' if root.is_dir() else 'file'}, which layout {chosen} cannot be")
    result = _with_usable_keys(_read(root, chosen, Naming(names or {}, remedies=remedies), bids or {}))
    if not result.subjects:
        raise NoSubjectFoundError(_no_subject(root, chosen, (*result.failures, *result.ignored)), result)
    subjects = [replace(subject, dataset=dataset or subject.dataset) for subject in result.subjects]
    return replace(result, subjects=tuple(sorted(subjects, key=lambda subject: subject.key)), layout=chosen)


def _read(root: Path, layout: str, naming: Naming, bids: Labels) -> FoundSubjects:
    asked = AskedLabels(bids, naming.remedies.labels)
    if layout == "bids":
        below = only_dataset(root)
        return _unambiguous(_read_below(root, below, naming, asked) if below else read_bids(root, naming, asked))
    result = _unambiguous((read_folders if layout == "folders" else read_csv_list)(root, naming))
    notes = [f"{root}: is no BIDS dataset, so {naming.remedies.labels} is not used"] if bids else []
    notes += _nested_bids(root) if layout == "folders" else []
    return replace(result, notes=(*result.notes, *notes))


def _read_below(root: Path, dataset: Path, naming: Naming, asked: AskedLabels) -> FoundSubjects:
    """Read the BIDS dataset below a folder, and list what lies beside it."""
    found = read_bids(dataset, replace(naming, below=PurePath(dataset.relative_to(root))), asked)
    note = f"{dataset}: is the BIDS dataset in {root}, and is what is read"
    return replace(found, ignored=(*found.ignored, *outside(root, dataset)), notes=(note, *found.notes))


def _nested_bids(root: Path) -> list[str]:
    """Return a note for BIDS datasets below a folder: read as plain folders, they lose their inherited sidecars."""
    inside = datasets_below(root)
    if not inside:
        return []
    more = f" and {len(inside) - 1} more" if len(inside) > 1 else ""
    return [
        f"{inside[0]}{more}: is a BIDS dataset, but read as plain folders, without inherited sidecars and "
        "participants.tsv; give it as data.root to read it as BIDS"
    ]


def _unambiguous(found: FoundSubjects) -> FoundSubjects:
    """Leave out subjects of one name: what is meant by it would be a guess."""
    counts = Counter(subject.key for subject in found.subjects)
    twice = [
        failure(
            subject.key, next(iter(subject.images.values())), "is of one of several subjects of this name; rename them"
        )
        for subject in found.subjects
        if counts[subject.key] > 1
    ]
    subjects = tuple(subject for subject in found.subjects if counts[subject.key] == 1)
    return replace(found, subjects=subjects, failures=(*found.failures, *twice))


def _with_usable_keys(result: FoundSubjects) -> FoundSubjects:
    """Leave out subjects whose keys cannot be a part of a path."""
    usable, failures = list[Subject](), list[Failure]()
    for subject in result.subjects:
        with listed(failures, subject.key):
            check_names(subject.key, "the subject's name")
            usable.append(subject)
    return replace(result, subjects=tuple(usable), failures=(*result.failures, *failures))


def _detect_layout(root: Path) -> str:
    if root.is_dir():
        return "bids" if is_bids(root) or only_dataset(root) else "folders"
    suffix = root.suffix.lower()
    if suffix in _TABLES:
        return "csv"
    if suffix in _WORKBOOKS:
        raise UserError(f"{root}: is a workbook; save the sheet with the subjects as CSV UTF-8 and name that file")
    if root.name.lower().endswith(SUFFIXES):
        raise UserError(f"{root}: is a single image; name its folder {root.parent}, or a CSV that lists it")
    raise UserError(f"{root}: is neither a folder nor a .csv or .tsv file")


def _no_subject(root: Path, layout: str, failures: tuple[Failure, ...]) -> str:
    left_out = f"; {len(failures)} were left out, the first: {failures[0].reason}" if failures else ""
    return f"{root}: no subject found; looked for {_LOOKED_FOR[layout]} (layout {layout}){left_out}"
