"""The search for subjects in a BIDS dataset, a tree of folders or a table."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from anysyn.data.records import Failure, FoundSubjects, Subject, listed
from anysyn.data.subjects.bids import is_bids, read_bids
from anysyn.data.subjects.csv_list import read_csv_list
from anysyn.data.subjects.folders import read_folders
from anysyn.data.subjects.naming import Naming
from anysyn.errors import UserError
from anysyn.files import check_names
from anysyn.registry import suggest

Layout = Literal["auto", "bids", "folders", "csv"]

_READERS = {"bids": read_bids, "folders": read_folders, "csv": read_csv_list}
_LOOKED_FOR = {
    "bids": "sub-*/[ses-*/]anat, dwi, ct or pet with .nii.gz files",
    "folders": "folders with one .nii or .nii.gz file for each contrast, named for it: T1w.nii.gz, x_t1ce.nii.gz",
    "csv": "rows that name a subject and its files",
}


def find_subjects(
    root: str | os.PathLike[str],
    *,
    layout: Layout = "auto",
    dataset: str | None = None,
    names: Mapping[str, str] | None = None,
) -> FoundSubjects:
    """Find subjects and their images; a file that cannot be used is listed, and the others go on.

    Args:
        root: A BIDS dataset, a tree of folders with one file for each contrast, or a CSV or TSV file.
        layout: Which of these it is; ``auto`` detects it.
        dataset: Name of the dataset for all subjects; by default each has its own.
        names: Modality, or ``none``, by a glob of file names; decides before name and sidecar (`Naming`).

    Returns:
        The subjects, sorted by key, each with any subset of the modalities, and what was left out.

    Raises:
        UserError: If the root is missing, the layout is unknown, or there is no subject.

    Example:
        >>> find_subjects("nowhere")
        Traceback (most recent call last):
        anysyn.errors.UserError: nowhere: no such file or folder; check the path (in a recipe: data.root)
    """
    root = Path(root)
    if not root.exists():
        raise UserError(f"{root}: no such file or folder; check the path (in a recipe: data.root)")
    chosen = _detect_layout(root) if layout == "auto" else layout
    if chosen not in _READERS:
        raise UserError(f"no layout named {layout!r}; {suggest(layout, ['auto', *_READERS])}")
    if root.is_dir() == (chosen == "csv"):
        raise UserError(f"{root}: is a {'folder' if root.is_dir() else 'file'}, which layout {chosen} cannot be")
    result = _with_usable_keys(_READERS[chosen](root, Naming(names or {})))
    if not result.subjects:
        raise UserError(_no_subject(root, chosen, (*result.failures, *result.ignored)))
    ambiguous = [key for key, count in Counter(subject.key for subject in result.subjects).items() if count > 1]
    if ambiguous:
        raise UserError(f"{root}: {ambiguous[0]} names several subjects; rename one of them")
    subjects = [replace(subject, dataset=dataset or subject.dataset) for subject in result.subjects]
    return replace(result, subjects=tuple(sorted(subjects, key=lambda subject: subject.key)))


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
        return "bids" if is_bids(root) else "folders"
    if root.suffix.lower() in {".csv", ".tsv"}:
        return "csv"
    raise UserError(f"{root}: is neither a folder nor a .csv or .tsv file")


def _no_subject(root: Path, layout: str, failures: tuple[Failure, ...]) -> str:
    left_out = f"; {len(failures)} were left out, the first: {failures[0].reason}" if failures else ""
    return f"{root}: no subject found; looked for {_LOOKED_FOR[layout]} (layout {layout}){left_out}"
