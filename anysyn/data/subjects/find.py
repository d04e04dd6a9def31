"""Subjects: where their images are, and what is known of them."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Literal

from anysyn.data.records import Failure, Found, Subject
from anysyn.data.subjects.bids import is_bids, read_bids
from anysyn.data.subjects.csv_list import read_listing
from anysyn.data.subjects.folders import read_folders
from anysyn.errors import UserError
from anysyn.registry import suggest

__all__ = ["Failure", "Found", "Layout", "Subject", "find_subjects"]

Layout = Literal["auto", "bids", "folders", "csv"]

_READERS = {"bids": read_bids, "folders": read_folders, "csv": read_listing}
_LOOKED_FOR = {
    "bids": "sub-*/[ses-*/]anat, dwi, ct or pet with .nii.gz files",
    "folders": "folders with one .nii or .nii.gz file for each contrast, named for it: T1w.nii.gz, x_t1ce.nii.gz",
    "csv": "rows that name a subject and its files",
}


def find_subjects(root: str | os.PathLike[str], *, layout: Layout = "auto", dataset: str | None = None) -> Found:
    """Find subjects and their images; a file that cannot be used is listed and costs nothing else.

    Args:
        root: A BIDS dataset, a tree of folders that hold one file for each contrast, or a CSV or TSV file.
        layout: Which of them it is; ``auto`` looks.
        dataset: Name of the dataset that all of them count as; by default each has its own.

    Returns:
        The subjects, sorted by key, each with any subset of the modalities, and what was left out.

    Raises:
        UserError: If the root is missing, the layout is unknown, or there is no subject at all.

    Example:
        >>> find_subjects("nowhere")
        Traceback (most recent call last):
        anysyn.errors.UserError: nowhere: no such file or folder; check the path (in a recipe: data.root)
    """
    root = Path(root)
    if not root.exists():
        raise UserError(f"{root}: no such file or folder; check the path (in a recipe: data.root)")
    chosen = _look(root) if layout == "auto" else layout
    if chosen not in _READERS:
        raise UserError(f"no layout named {layout!r}; {suggest(layout, ['auto', *_READERS])}")
    if root.is_dir() == (chosen == "csv"):
        raise UserError(f"{root}: is a {'folder' if root.is_dir() else 'file'}, which layout {chosen} cannot be")
    found = _READERS[chosen](root)
    if not found.subjects:
        raise UserError(_nothing(root, chosen, (*found.failures, *found.ignored)))
    twice = [key for key, count in Counter(subject.key for subject in found.subjects).items() if count > 1]
    if twice:
        raise UserError(f"{root}: {twice[0]} names several subjects; rename one of them")
    named = [replace(subject, dataset=dataset or subject.dataset) for subject in found.subjects]
    return replace(found, subjects=tuple(sorted(named, key=lambda subject: subject.key)))


def _look(root: Path) -> str:
    if root.is_dir():
        return "bids" if is_bids(root) else "folders"
    if root.suffix.lower() in {".csv", ".tsv"}:
        return "csv"
    raise UserError(f"{root}: is neither a folder nor a .csv or .tsv file")


def _nothing(root: Path, layout: str, failures: tuple[Failure, ...]) -> str:
    left_out = f"; {len(failures)} were left out, the first: {failures[0].reason}" if failures else ""
    return f"{root}: no subject found; looked for {_LOOKED_FOR[layout]} (layout {layout}){left_out}"
