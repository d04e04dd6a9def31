"""Subjects of a BIDS dataset, and which of several runs of a modality is used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from anysyn.data.errors import SidecarError
from anysyn.data.modalities import ANY, Modality, modalities, modality, recognise
from anysyn.data.records import Failure, FoundSubjects
from anysyn.data.subjects.collector import Collector, failure, found_subjects
from anysyn.data.subjects.naming import Naming
from anysyn.data.subjects.sidecars import Sidecars, entities_of, read_sidecar
from anysyn.data.subjects.tsv import age_and_sex, read_table
from anysyn.data.volumes.formats import PATTERN, stem
from anysyn.errors import UserError

DATATYPES = ("anat", "swi", "dwi", "ct", "pet")
_CONTRAST = ("ce", "trc")  # entities that distinguish modalities with the same suffix
_REPEATS = ("run", "echo", "acq", "rec")  # images that differ in these are sorted by them, in this order; first is used


def is_bids(root: Path) -> bool:
    """Tell whether a folder is a BIDS dataset: it has a description, or subjects with a folder for a data type."""
    patterns = [f"sub-*/{session}{datatype}" for session in ("", "ses-*/") for datatype in DATATYPES]
    return (root / "dataset_description.json").is_file() or any(any(root.glob(pattern)) for pattern in patterns)


def bids_name(key: str, name: str, *, described: str = "") -> str:
    """Return the path of an image relative to the folder of its subject or session.

    Args:
        key: ``"sub-01"`` or ``"sub-01_ses-1"``.
        name: Modality.
        described: ``desc-`` label that distinguishes it from the acquired image; none by default.

    Example:
        >>> bids_name("sub-001", "T1c"), bids_name("sub-001", "T2w", described="synthetic")
        ('anat/sub-001_ce-gadolinium_T1w.nii.gz', 'anat/sub-001_desc-synthetic_T2w.nii.gz')
    """
    place = modality(name).bids
    labels = {entity: values[0] for entity, values in place.entities.items()}
    labels |= {"desc": described} if described else {}
    words = "".join(f"_{entity}-{label}" for entity, label in labels.items())
    return f"{place.datatype}/{key}{words}_{place.suffix}.nii.gz"


def read_bids(root: Path, naming: Naming) -> FoundSubjects:
    """Find the subjects of a BIDS dataset; each session of a person is a subject.

    Of several runs, echoes, acquisitions or reconstructions of a modality, the first is used and the others are
    ignored. Masks are the files ``*_mask.nii.gz`` below ``derivatives/masks``, named by their ``label`` or ``desc``.
    ``participants.tsv`` gives age and sex, and the dataset in a column ``site``.
    """
    failures: list[Failure] = []
    people, dataset, sidecars = _people(root, failures), _dataset(root, failures), Sidecars(root)
    collected = []
    for person, session in _sessions(root):
        row = people.get(person, {})
        key = person if session.name == person else f"{person}_{session.name}"
        images = Collector(key, row.get("site") or dataset, person, age_and_sex(row))
        _add_images(images, session, sidecars, naming, root)
        _add_masks(images, root / "derivatives" / "masks" / session.relative_to(root))
        collected.append(images)
    return found_subjects(collected, failures)


def _sessions(root: Path) -> Iterator[tuple[str, Path]]:
    for subject in sorted(path for path in root.glob("sub-*") if path.is_dir()):
        for session in (subject, *sorted(path for path in subject.glob("ses-*") if path.is_dir())):
            if any((session / datatype).is_dir() for datatype in DATATYPES):
                yield subject.name, session


def _add_images(images: Collector, session: Path, sidecars: Sidecars, naming: Naming, root: Path) -> None:
    files = (path for datatype in DATATYPES for path in (session / datatype).glob(PATTERN))
    for path in sorted(files, key=_order):
        try:
            given = naming.given(path.relative_to(root))
            name = _modality(path, sidecars).name if given is None else given.name
        except SidecarError as error:
            images.leave_out(path, str(error))
        except UserError as error:
            images.ignore(path, str(error))
        else:
            if name is None:
                images.ignore(path, f"is left out by {given.reason}" if given else "is none")
            else:
                images.add(name, path, partial(sidecars.of, path))


def _order(path: Path) -> tuple[object, ...]:
    entities, _ = entities_of(stem(path))
    return (*(_natural(entities.get(key, "")) for key in _REPEATS), path.name)


def _natural(label: str) -> tuple[int, str]:
    digits = re.match(r"\d+", label)
    return int(digits[0]) if digits else 0, label


def _modality(path: Path, sidecars: Sidecars) -> Modality:
    entities, suffix = entities_of(stem(path))
    if entities.get("part", "mag") != "mag":
        raise UserError(f"is no magnitude image (part-{entities['part']})")
    labels = {key: entities[key] for key in _CONTRAST if key in entities}
    if suffix == "pet" and "trc" not in labels:
        tracer = sidecars.of(path).get("TracerName")
        if not isinstance(tracer, str):
            raise UserError("names no tracer; give it trc- in its name or TracerName in its sidecar")
        labels["trc"] = tracer
    for known in modalities():
        if known.bids.suffix.lower() == suffix.lower() and _same_contrast(known, labels):
            return known
    words = "_".join([*(f"{key}-{label}" for key, label in labels.items()), suffix])
    return (None if labels else recognise(suffix)) or modality(words)


def _same_contrast(known: Modality, labels: Mapping[str, str]) -> bool:
    allowed = known.bids.entities
    return allowed.keys() == labels.keys() and all(
        ANY in allowed[key] or _plain(label) in map(_plain, allowed[key]) for key, label in labels.items()
    )


def _plain(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label.lower())


def _add_masks(images: Collector, folder: Path) -> None:
    for path in sorted(folder.rglob("[!.]*_mask.nii*")):
        if any(part.startswith("ses-") for part in path.relative_to(folder).parts[:-1]):
            continue  # of a session below this subject
        entities, _ = entities_of(stem(path))
        images.add_mask(entities.get("label") or entities.get("desc") or "mask", path)


def _people(root: Path, failures: list[Failure]) -> dict[str, dict[str, str]]:
    path = root / "participants.tsv"
    if not path.is_file():
        return {}
    try:
        rows = read_table(path)
    except UserError as error:
        failures.append(failure(path.name, path, str(error)))
        return {}
    if rows and "participant_id" not in rows[0]:
        failures.append(failure(path.name, path, "has no column participant_id, so age, sex and site are unknown"))
        return {}
    return {row["participant_id"]: row for row in rows}


def _dataset(root: Path, failures: list[Failure]) -> str:
    path = root / "dataset_description.json"
    name = None
    if path.is_file():
        try:
            name = read_sidecar(path).get("Name")
        except SidecarError as error:
            failures.append(failure(path.name, path, str(error)))
    return name if isinstance(name, str) and name else root.resolve().name
