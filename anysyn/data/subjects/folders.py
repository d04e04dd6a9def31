"""Subjects in folders with one file for each contrast: BraTS names, plain names, nested folders."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from anysyn.data.modalities import modalities
from anysyn.data.records import FoundSubjects
from anysyn.data.subjects.collector import Collector, found_subjects
from anysyn.data.subjects.name_words import words_of
from anysyn.data.subjects.naming import Naming
from anysyn.data.subjects.sidecars import sidecar_beside
from anysyn.data.volumes.formats import SUFFIXES, stem
from anysyn.registry import suggest

MASK_WORDS = {"mask", "seg", "dseg", "segmentation", "label", "labels", "lesion", "roi"}

# a folder with another visit, or another version, of the person whose name is the folder above it
VISIT = re.compile(
    r"ses-\w+|\d{6,8}|\d{4}-\d\d-\d\d|[mtvy]\d+|reg(istered)?([-_]to[-_].*)?|"
    r"(session|visit|timepoint|tp|day|week|month|year|scan|exam|study)[-_ ]?\d*|baseline|follow-?up[-_ ]?\d*|pre|post|"
    r"raw|native|orig(inal)?|nifti|nii|images?|anat|brain|mni|atlas|derived|preprocessed",
    re.IGNORECASE,
)
BRATS_VISIT = re.compile(r"(BraTS-[A-Za-z]+-\d+)-\d{3}")  # since 2023 the last number of a name is the visit


def read_folders(root: Path, naming: Naming) -> FoundSubjects:
    """Find the subjects in a tree of folders: every folder with images of known contrast is a subject.

    The key is the path relative to the root. The person is the folder ``sub-*`` of that path, or else its last folder
    whose name is not that of a visit or a version (``ses-1``, ``month-12``, ``raw``, ``reg_to_FLAIR``, ``20190131``);
    in ``BraTS-GLI-00005-100``, 100 is the visit. The dataset is the folder above the person.
    """
    top, collected = root.resolve().name, []
    for folder, names in _walk(root):
        parts = folder.relative_to(root).parts
        person = person_of(parts)
        images = Collector("/".join(parts) or top, "/".join(person[:-1]) or top, "/".join(person) or top)
        for name in names:
            _add(images, folder / name, root, naming)
        if images.masks and not images.files:
            images.ignore(folder, "holds masks and no image")
        collected.append(images)
    return found_subjects(collected)


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    seen: set[str] = set()
    for place, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:  # a link that leads back
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield Path(place), sorted(n for n in files if n.lower().endswith(SUFFIXES) and not n.startswith("."))


def _add(images: Collector, path: Path, root: Path, naming: Naming) -> None:
    below = path.relative_to(root)
    words = _words(stem(path), below.parts[:-1])
    given = naming.given(below)
    if given is None and MASK_WORDS & {word.lower() for word in words}:
        images.add_mask("_".join(word for word in words if word.lower() != "mask") or "mask", path)
        return
    found = given or naming.contrast(words)
    if found.name is not None:
        images.add(found.name, path, partial(sidecar_beside, path))
    elif found.unclear:
        images.leave_out(path, f"{found.reason}; rename it, name it in data.names, or list the files in a CSV")
    else:
        images.ignore(path, f"{found.reason}; {suggest('_'.join(words), [m.name for m in modalities()])}")


def _words(name: str, parts: Sequence[str]) -> list[str]:
    """Split a file name into words, without the folder names that it repeats."""
    for part in parts:
        if name.lower().startswith(part.lower()) and len(name) > len(part):
            name = name[len(part) :]
    return words_of(name)


def person_of(parts: Sequence[str]) -> tuple[str, ...]:
    """Return the part of a path that names a person.

    Example:
        >>> person_of(["IXI", "0042", "raw"]), person_of(["sub-01", "ses-1", "raw"]), person_of(["BraTS-GLI-00005-100"])
        (('IXI', '0042'), ('sub-01',), ('BraTS-GLI-00005',))
    """
    depth = next((depth for depth, part in enumerate(parts, 1) if part.startswith("sub-")), 0)
    if not depth:
        depth = len(parts)
        while depth > 1 and VISIT.fullmatch(parts[depth - 1]):
            depth -= 1
    return tuple(BRATS_VISIT.sub(r"\1", part) for part in parts[:depth])
