"""Subjects in folders: one folder for each, one for all, or folders of people, visits, versions and contrasts."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from anysyn.data.errors import SidecarError
from anysyn.data.modalities import modalities
from anysyn.data.records import FoundSubjects
from anysyn.data.subjects.collector import Candidate, Collector, found_subjects
from anysyn.data.subjects.flat_folder import FileName, Owner, owners, words_of
from anysyn.data.subjects.naming import Naming, Recognised
from anysyn.data.subjects.people import dataset_of, person_of, plain_place
from anysyn.data.subjects.sidecars import is_synthetic, sidecar_beside
from anysyn.data.subjects.tree import read_tree
from anysyn.data.volumes.formats import sidecar_path, stem
from anysyn.errors import UserError
from anysyn.registry import suggest

MASK_WORDS = {"mask", "seg", "segm", "dseg", "segmentation", "label", "labels", "lesion", "roi"}
CHOOSE = "say which by data.names in the recipe, or list the files in a CSV: anysyn data FOLDER --csv subjects.csv"
RENAME = "rename it, name it in data.names, or list the files in a CSV: anysyn data FOLDER --csv subjects.csv"
SEPARATE = "put each subject into a folder of its own, or list the files in a CSV"

Place = tuple[str, ...]


@dataclass(frozen=True)
class _File:
    """A volume with what its name and its sidecar say."""

    path: Path
    name: FileName
    mask: str = ""
    meant: Recognised = field(default_factory=lambda: Recognised(None, ""))
    asked: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""


def read_folders(root: Path, naming: Naming) -> FoundSubjects:
    """Find the subjects in a tree of folders.

    A folder with images of known contrast is a subject, unless their names tell several people or visits apart: then
    each of these is one (`owners`), and where that is unclear the folder is refused. Folders that are named for a
    contrast, and hold nothing else, belong to the folder above: ``P01/T1/x.nii.gz`` and ``P01/FLAIR/y.nii.gz`` are of
    one subject, as are ``IXI-T1/IXI002-T1.nii.gz`` and ``IXI-T2/IXI002-T2.nii.gz``.

    The key is the path relative to the root. The person is its folder ``sub-*``, or the last one whose name is not that
    of a visit or a version (``ses-1``, ``month-12``, ``raw``, ``reg_to_FLAIR``, ``20190131``), without the visit that
    the name may have (``UPENN-GBM-00001_11``). The dataset is the folder above the person; a site that is a part of a
    file's name (``IXI002-Guys-0828``) is none.

    Of several files of one contrast the plainest name is used, then the first ``run``; if that does not decide, none
    is. Synthetic images are ignored, unless ``data.names`` asks for them.
    """
    tree = read_tree(root)
    files = [_read(folder / name, root, naming) for folder, names in tree.folders.items() for name in names]
    places: dict[Place, list[_File]] = defaultdict(list)
    for place, file in zip(_places(files, root, naming), files, strict=True):
        places[place].append(file)
    top = root.resolve().name
    collected = [subject for place, members in places.items() for subject in _subjects(place, members, root, top)]
    return found_subjects(collected, tree.failures, tree.ignored)


def _read(path: Path, root: Path, naming: Naming) -> _File:
    below = path.relative_to(root)
    text = _without_folders(stem(path), below.parts[:-1])
    words, given = words_of(text), naming.given(below)
    if given is None and MASK_WORDS & {word.lower() for word in words}:
        start = next(i for i, word in enumerate(words) if word.lower() in MASK_WORDS or _says(naming, words[: i + 1]))
        return _File(path, FileName(text, start, None), mask="_".join(words[start:]) or "mask")
    try:
        fields, error = sidecar_beside(path), ""
    except SidecarError as unreadable:
        fields, error = {}, str(unreadable)
    meant = given or naming.contrast(words, fields)
    start = _start(naming, words) if given is None else _start_of_given(naming, below, words)
    name = FileName(text, start, meant.name)
    return _File(path, name, meant=meant, asked=given is not None, fields=fields, error=error)


def _without_folders(name: str, folders: Sequence[str]) -> str:
    """Return a file's name without the names of folders with which it begins."""
    for folder in folders:
        if re.match(rf"{re.escape(folder)}[^A-Za-z0-9]", name, re.IGNORECASE):
            name = name[len(folder) + 1 :]
    return name


def _start(naming: Naming, words: Sequence[str]) -> int:
    """Return how many words stand before the first that says something about the contrast."""
    return next((i for i in range(len(words)) if _says(naming, words[: i + 1])), len(words))


def _says(naming: Naming, words: Sequence[str]) -> bool:
    meant = naming.contrast(words)
    return meant.name is not None or meant.unclear


def _start_of_given(naming: Naming, below: Path, words: Sequence[str]) -> int:
    """Return how many words stand before the first that is in the glob of ``data.names`` that matches a file."""
    name = re.sub(r"\.[^/]*$", "", below.name).lower()
    globs = (glob.lower() for glob in naming.names)
    glob = next((g for g in globs if fnmatch(below.as_posix().lower() if "/" in g else name, g)), "")
    written = set(words_of(glob.replace("*", " ").lower()))
    return next((i for i, word in enumerate(words) if word.lower() in written), _start(naming, words))


def _places(files: Sequence[_File], root: Path, naming: Naming) -> list[Place]:
    """Return where the subject of each file is: its folders, without those that are named for its contrast."""
    folders = [file.path.relative_to(root).parts[:-1] for file in files]
    shown: dict[Place, set[str]] = defaultdict(set)
    for file, parts in zip(files, folders, strict=True):
        for depth in range(1, len(parts) + 1):
            shown[parts[:depth]] |= {file.meant.name} if file.meant.name else set()
    contrast = {place for place, names in shown.items() if len(names) == 1 and _named_for(naming, place[-1], *names)}
    return [_place(parts, contrast) for parts in folders]


def _place(parts: Place, contrast: set[Place]) -> Place:
    place = tuple(part for depth, part in enumerate(parts, 1) if parts[:depth] not in contrast)
    return plain_place(place) if len(place) < len(parts) else parts


def _named_for(naming: Naming, folder: str, name: str) -> bool:
    words = words_of(folder)
    return not words[-1].isdigit() and naming.contrast(words).name == name if words else False  # PD_0001 is a person


def _subjects(place: Place, files: Sequence[_File], root: Path, top: str) -> Iterable[Collector]:
    """Return the subjects of one place."""
    try:
        found = owners([file.name for file in files], at_root=not dataset_of(place))
    except UserError as error:
        return [_refused(place, files, f"the names of its files {error}; {SEPARATE}", root, top)]
    collected: dict[Owner | None, Collector] = {}
    for file, owner in zip(files, found, strict=True):
        images = collected.setdefault(owner, _collector(place, owner or Owner("", ""), top))
        if owner is None and file.meant.name:
            images.leave_out(file.path, f"names no subject, though the files beside it do; {SEPARATE}", file.meant.name)
        else:
            _add(images, file)
    for images in collected.values():
        if images.masks and not images.images:
            images.ignore(root.joinpath(*place), "holds masks and no image")
    return collected.values()


def _collector(place: Place, owner: Owner, top: str) -> Collector:
    person = person_of((*place, owner.person) if owner.person else place)
    key = "/".join((*place, str(owner)) if str(owner) else place)
    return Collector(key or top, "/".join(dataset_of(person[:-1])) or top, "/".join(person) or top, CHOOSE)


def _refused(place: Place, files: Sequence[_File], reason: str, root: Path, top: str) -> Collector:
    images = _collector(place, Owner("", ""), top)
    images.leave_out(root.joinpath(*place), reason)
    for file in files:
        images.ignore(file.path, "is left out with its folder", file.meant.name)
    return images


def _add(images: Collector, file: _File) -> None:
    name, meant = file.name, file.meant
    if file.mask:
        word = "_".join(word for word in file.mask.split("_") if word.lower() != "mask") or "mask"
        images.add_mask(word, Candidate(file.path, "its name", scan=(file.path.name,)))
    elif file.error:
        images.leave_out(file.path, file.error, meant.name)
    elif is_synthetic(file.fields) and not file.asked:
        images.ignore(file.path, "is synthetic, says its sidecar; to use it, name it in data.names or list it in a CSV")
    elif meant.name is not None:
        images.add(meant.name, _candidate(file))
    elif meant.unclear:
        images.leave_out(file.path, f"{meant.reason}; {RENAME}")
    else:
        known = suggest("_".join(name.words), [known.name for known in modalities()])
        images.ignore(file.path, f"{meant.reason or 'its name names no contrast'}; {known}")


def _candidate(file: _File) -> Candidate:
    words = [word.lower() for word in file.name.words]
    run = next((int(after) for word, after in itertools.pairwise(words) if word == "run" and after.isdigit()), 0)
    beside = sidecar_path(file.path)
    return Candidate(
        file.path,
        file.meant.reason,
        asked=0 if file.asked else 1,
        extra=file.meant.extra,
        scan=tuple(word for word in words if not (run and word.isdigit() and int(word) == run)),
        run=run,
        fields=file.fields,
        sidecars=(beside,) if beside.is_file() else (),
    )
