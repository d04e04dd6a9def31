"""Subjects in folders: one folder for each, one for all, or folders of people, visits, versions and contrasts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from itertools import dropwhile, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from anysyn.data.errors import SidecarError
from anysyn.data.records import FoundSubjects
from anysyn.data.subjects.before_and_after import without_doubtful_post
from anysyn.data.subjects.collector import Collector, found_subjects
from anysyn.data.subjects.computed_files import MASK_WORDS, computed_by_spm, is_mask_word
from anysyn.data.subjects.layouts.contrast_folders import contrasts_by_folder
from anysyn.data.subjects.layouts.flat_folder import FileName, Owner, owners
from anysyn.data.subjects.layouts.nnunet import channel_of, images_of, label_name, read_channels
from anysyn.data.subjects.names.name_words import read_name, words_of
from anysyn.data.subjects.names.naming import Naming
from anysyn.data.subjects.names.recognised import NO_CONTRAST, Recognised
from anysyn.data.subjects.people import dataset_of, namesakes, numbered_alike, person_of, plain_place
from anysyn.data.subjects.remedies import Remedies
from anysyn.data.subjects.several_files import Candidate
from anysyn.data.subjects.sidecars import is_synthetic, sidecar_beside
from anysyn.data.subjects.tree import read_tree
from anysyn.data.volumes.formats import sidecar_path, stem
from anysyn.errors import UserError

_PEOPLE = {"sub", "ses", "run"}  # of BIDS; the naming table has them, since they say nothing of a contrast
SEPARATE = "put each subject into a folder of its own, or list the files in a CSV"

_NUMBERED_FOLDER = re.compile(r"anat\d*|(dwi|swi|perf)\d+", re.IGNORECASE)  # OASIS has a folder for each scan

Place = tuple[str, ...]


class _Top(NamedTuple):
    """The folder that is searched, its name, and what the user may do about the files in it."""

    root: Path
    name: str
    remedies: Remedies


@dataclass(frozen=True)
class _File:
    """A volume with what its name and its sidecar say."""

    path: Path
    name: FileName
    mask: bool = False
    meant: Recognised = field(default_factory=lambda: Recognised(None, ""))
    asked: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    labels_in: Path | None = None  # the folder of the images that a label map is of, if that is another one
    shown: str = ""  # what a mask shows, if not its name says it

    @property
    def folder(self) -> Path:
        """Where its subject's images lie."""
        return self.labels_in or self.path.parent


def read_folders(root: Path, naming: Naming) -> FoundSubjects:
    """Find the subjects in a tree of folders.

    A folder with images of known contrast is a subject, unless their names tell several people or visits apart: then
    each of these is one (`owners`), and where that is unclear the folder is refused. Folders that are named for a
    contrast, and hold nothing else, belong to the folder above: ``P01/T1/x.nii.gz`` and ``P01/FLAIR/y.nii.gz`` are of
    one subject, as are ``IXI-T1/IXI002-T1.nii.gz`` and ``IXI-T2/IXI002-T2.nii.gz``. They name the contrast of files
    that do not: ``T1/sub1.nii.gz``, ``T2/sub1.nii.gz``. Channels of nnU-Net (``imagesTr/x_0000``) are
    named in dataset.json, and ``labelsTr/x`` is a mask of that subject.

    The key is the path relative to the root. The person is its folder ``sub-*``, or the last one whose name is not that
    of a visit or a version (``ses-1``, ``month-12``, ``raw``, ``reg_to_FLAIR``, ``20190131``), without the visit that
    the name may have (``UPENN-GBM-00001_11``). The dataset is the folder above the person; a site that is a part of a
    file's name (``IXI002-Guys-0828``) is none.

    Of several files of one contrast the plainest name is used, then the first ``run``; if that does not decide, none
    is. Synthetic images are ignored, unless ``data.names`` asks for them.
    """
    tree = read_tree(root)
    files = [_read(folder / name, root, naming) for folder, names in tree.folders.items() for name in names]
    files = _by_folder(_with_label_maps([_by_channel(file, naming) for file in files]), naming)
    meant = without_doubtful_post([file.meant for file in files])
    files = [replace(file, meant=one) for file, one in zip(files, meant, strict=True)]
    places: dict[Place, list[_File]] = defaultdict(list)
    for place, file in zip(_places(files, root, naming), files, strict=True):
        places[place].append(file)
    top = _Top(root, root.resolve().name, naming.remedies)
    collected = [subject for place, members in places.items() for subject in _subjects(place, members, top)]
    found = found_subjects(collected, tree.failures, tree.ignored)
    persons = [subject.person for subject in found.subjects]
    return replace(found, notes=(*namesakes(persons), *numbered_alike(persons)))


def _read(path: Path, root: Path, naming: Naming) -> _File:
    below = path.relative_to(root)
    text = _without_folders(stem(path), below.parts[:-1], naming)
    words, given = words_of(text), naming.given(below)
    describing = frozenset(word.lower() for word in words if _describes(word, naming))
    masks = [i for i, word in enumerate(words) if _is_mask(word, naming)]
    if given is None and masks:
        start = min(_start(words, naming), *masks)
        return _File(path, FileName(text, start, None, describing), mask=True)
    try:
        fields, error = sidecar_beside(path), ""
    except SidecarError as unreadable:
        fields, error = {}, str(unreadable)
    computed = computed_by_spm(stem(path), below.parts[:-1])
    meant = given or (Recognised(None, computed) if computed else naming.contrast(words, fields))
    start = _start(words, naming) if given is None else _start_of_given(naming, below, words)
    name = FileName(text, start, meant.name, describing)
    return _File(path, name, meant=meant, asked=given is not None, fields=fields, error=error)


def _by_channel(file: _File, naming: Naming) -> _File:
    """Return a file of nnU-Net's layout with the contrast that dataset.json gives its channel."""
    case, number = channel_of(stem(file.path))
    channel = read_channels(file.path.parent).get(number) if number and not file.asked else None
    if channel is None or file.mask or file.error:
        return file
    meant = naming.contrast(words_of(channel), file.fields)
    reason = f"dataset.json: channel {number} is {channel!r}" + ("" if meant.name else f", which {meant.reason}")
    name = FileName(case, len(words_of(case)), meant.name, file.name.describing)
    return replace(file, name=name, meant=replace(meant, reason=reason, unclear=meant.name is None))


def _with_label_maps(files: Sequence[_File]) -> list[_File]:
    """Return files with nnU-Net's label maps as masks of the images of their case."""
    cases = {(file.path.parent, channel_of(stem(file.path))[0]) for file in files if not file.mask}
    return [_label_map(file, cases) for file in files]


def _label_map(file: _File, cases: Collection[tuple[Path, str]]) -> _File:
    images, case = images_of(file.path.parent), stem(file.path)
    if images is None or file.asked:
        return file
    if (images, case) not in cases:
        reason = f"is the label map of no image in {images.name}"
        return replace(file, mask=False, meant=Recognised(None, reason), error="")
    name = FileName(case, len(words_of(case)), None, file.name.describing)
    shown = label_name(file.path.parent)
    return replace(file, name=name, mask=True, meant=Recognised(None, ""), error="", labels_in=images, shown=shown)


def _by_folder(files: Sequence[_File], naming: Naming) -> list[_File]:
    """Return files that name no contrast with that of their folder, if it is sure."""
    unnamed: dict[Path, list[str]] = defaultdict(list)
    for file in files:
        unnamed[file.path.parent] += [] if file.mask else [stem(file.path)]
    for file in files:
        if file.asked or file.error or file.meant.name or file.meant.unclear:
            unnamed.pop(file.path.parent, None)
    meanings = {folder: naming.contrast(words_of(folder.name)).name for folder in unnamed}
    contrast = {folder: name for folder, name in meanings.items() if name and _named_for(folder.name, {name}, naming)}
    sure = contrasts_by_folder({folder: names for folder, names in unnamed.items() if names}, contrast)
    return [file if file.mask or file.path.parent not in sure else _of_folder(file, sure, naming) for file in files]


def _of_folder(file: _File, sure: Mapping[Path, tuple[str, bool]], naming: Naming) -> _File:
    folder = file.path.parent
    if file.meant.reason != NO_CONTRAST:
        return file
    contrast, of_subjects = sure[folder]
    meant = naming.by_sidecar(contrast, file.fields)
    text = file.name.text if of_subjects else ""
    name = FileName(text, len(words_of(text)), meant.name, file.name.describing)
    return replace(file, name=name, meant=replace(meant, reason=f"folder {meant.reason}"))


def _is_mask(word: str, naming: Naming) -> bool:
    """Return whether a word means a mask; the naming table knows some that are none of a lesion, such as brainmask."""
    return is_mask_word(word) and (word.lower() in MASK_WORDS or bool(read_name([word], naming.table).unknown))


def _without_folders(name: str, folders: Sequence[str], naming: Naming) -> str:
    """Return a file's name without the names of folders with which it begins, unless they are those of contrasts."""
    for folder in folders:
        repeated = re.match(rf"{re.escape(folder)}[^A-Za-z0-9]", name, re.IGNORECASE)
        if repeated and not (_says(words_of(folder), naming) and not read_name(words_of(folder), naming.table).unknown):
            name = name[len(folder) + 1 :]
    return name


def _start(words: Sequence[str], naming: Naming) -> int:
    """Return how many words stand before the first that says something about the contrast."""
    end = next((end for end in range(1, len(words) + 1) if _says(words[:end], naming)), 0)
    starts = (start for start in reversed(range(end)) if _says(words[start:end], naming))
    return next(starts, len(words))


def _says(words: Sequence[str], naming: Naming) -> bool:
    reading = read_name(words, naming.table)
    return bool(reading.contrasts or reading.none)


def _describes(word: str, naming: Naming) -> bool:
    """Return whether a word describes an image, so that it names no person."""
    return word.lower() not in _PEOPLE and not word.isdigit() and not read_name([word], naming.table).unknown


def _start_of_given(naming: Naming, below: Path, words: Sequence[str]) -> int:
    """Return how many words stand before the first that is in the glob of ``data.names`` that matches a file."""
    name = re.sub(r"\.[^/]*$", "", below.name).lower()
    globs = (glob.lower() for glob in naming.names)
    glob = next((g for g in globs if fnmatch(below.as_posix().lower() if "/" in g else name, g)), "")
    written = set(words_of(glob.replace("*", " ").lower()))
    return next((i for i, word in enumerate(words) if word.lower() in written), _start(words, naming))


def _places(files: Sequence[_File], root: Path, naming: Naming) -> list[Place]:
    """Return where the subject of each file is: its folders, without those that are named for its contrast."""
    folders = [file.folder.relative_to(root).parts for file in files]
    shown: dict[Place, set[str]] = defaultdict(set)
    for file, parts in zip(files, folders, strict=True):
        for depth in range(1, len(parts) + 1):
            shown[parts[:depth]] |= {file.meant.name} if file.meant.name else set()
    holding = {place: names for place, names in shown.items() if names}
    other = {place[-1] for place, names in holding.items() if not _named_for(place[-1], names, naming)}
    contrast = {place for place in holding if place[-1] not in other} | _repeated(files, folders)
    return [_place(parts, contrast) for parts in folders]


def _place(parts: Place, contrast: set[Place]) -> Place:
    place = tuple(part for depth, part in enumerate(parts, 1) if parts[:depth] not in contrast)
    return plain_place(place) if len(place) < len(parts) or _NUMBERED_FOLDER.fullmatch("".join(parts[-1:])) else parts


def _named_for(folder: str, shown: Collection[str], naming: Naming) -> bool:
    """Return whether a folder is named for the contrast it holds, and for no person, as ``PD_0001``, ``CQ500CT0``."""
    *words, last = words_of(folder) or [""]
    plain = [re.sub(r"\d{1,2}$", "", word) for word in (*words, last) if not word.isdigit()]
    known = all(word.isalpha() or not read_name([word], naming.table).unknown for word in plain)
    return known and not last.isdigit() and {naming.contrast([*words, last]).name} == set(shown)


def _repeated(files: Sequence[_File], folders: Sequence[Place]) -> set[Place]:
    """Return the folders of one image that are named as it is, if contrasts have such: ``VSD.Brain.MR_T1.54513``."""
    counts = Counter(folders)
    beside: dict[Place, dict[Place, str]] = defaultdict(dict)
    for file, parts in zip(files, folders, strict=True):
        if parts and counts[parts] == 1 and file.meant.name and parts[-1] == stem(file.path):
            beside[parts[:-1]][parts] = file.meant.name
    several = any(len(set(shown.values())) > 1 for shown in beside.values())
    return {parts for shown in beside.values() for parts in shown} if several else set()


def _subjects(place: Place, files: Sequence[_File], top: _Top) -> Iterable[Collector]:
    """Return the subjects of one place."""
    try:
        found = owners([file.name for file in files], at_root=not dataset_of(place))
    except UserError as error:
        return [_refused(place, files, f"the names of its files {error}; {SEPARATE}", top)]
    if not any(file.meant.name or file.meant.unclear or file.error for file in files):
        return [_without_image(place, files, top)]
    collected: dict[Owner | None, Collector] = {}
    people = {word for file in files if file.meant.name for word in words_of(f"{file.name.person} {file.name.visit}")}
    for file, owner in zip(files, found, strict=True):
        images = collected.setdefault(owner, _collector(place, owner or Owner("", ""), top))
        if owner is None and file.meant.name:
            images.leave_out(file.path, f"names no subject, though the files beside it do; {SEPARATE}", file.meant.name)
        else:
            _add(images, file, people, top.remedies)
    return collected.values()


def _without_image(place: Place, files: Sequence[_File], top: _Top) -> Collector:
    images = _collector(place, Owner("", ""), top)
    if any(file.mask for file in files):
        images.ignore(top.root.joinpath(*place), "holds masks and no image")
    for file in files:
        if not file.mask:
            _add(images, file, set(), top.remedies)
    return images


def _collector(place: Place, owner: Owner, top: _Top) -> Collector:
    person = person_of((*place, owner.person) if owner.person else place)
    key = "/".join((*place, str(owner)) if str(owner) else place)
    dataset, remedy = "/".join(dataset_of(person[:-1])) or top.name, top.remedies.of_folders
    return Collector(key or top.name, dataset, "/".join(person) or top.name, remedy)


def _refused(place: Place, files: Sequence[_File], reason: str, top: _Top) -> Collector:
    images = _collector(place, Owner("", ""), top)
    images.leave_out(top.root.joinpath(*place), reason)
    for file in files:
        images.ignore(file.path, "is left out with its folder", file.meant.name)
    return images


def _add(images: Collector, file: _File, people: Collection[str], remedies: Remedies) -> None:
    meant = file.meant
    if file.mask:
        words = dropwhile(lambda word: word in people, file.name.words)  # the rest says what the mask shows
        shown = file.shown or "_".join(word for word in words if word.lower() != "mask") or "mask"
        images.add_mask(shown, Candidate(file.path, "its name", scan=(file.path.name,)))
    elif file.error:
        images.leave_out(file.path, file.error, meant.name)
    elif is_synthetic(file.fields) and not file.asked:
        images.ignore(file.path, f"is synthetic, says its sidecar{remedies.to_use}")
    elif meant.name is not None:
        images.add(meant.name, _candidate(file))
    elif meant.unclear:
        images.leave_out(file.path, f"{meant.reason}; {remedies.rename}")
    else:
        images.ignore(file.path, f"{meant.reason}{remedies.if_image}")


def _candidate(file: _File) -> Candidate:
    words = [word.lower() for word in file.name.words]
    run = next((int(after) for word, after in pairwise(words) if word == "run" and after.isdigit()), 0)
    beside = sidecar_path(file.path)
    return Candidate(
        file.path,
        file.meant.reason,
        asked=0 if file.asked else 1,
        extra=(file.meant.extra, len(words)),
        scan=tuple(word for word in words if not (run and word.isdigit() and int(word) == run)),
        run=run,
        fields=file.fields,
        sidecars=(beside,) if beside.is_file() else (),
    )
