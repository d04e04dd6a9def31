"""The files of a prepared person: images, sidecars, masks, fields, and last the record that they are whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from anysyn.data.modalities import modality
from anysyn.data.records import Failure, Subject
from anysyn.data.subjects.layouts.bids import bids_name, bids_place
from anysyn.data.subjects.sidecars import sidecar_beside
from anysyn.data.volumes.formats import files_of, sidecar_path
from anysyn.data.volumes.volume import Volume, write_volume
from anysyn.files import read_json, replacing_pair, write_json
from anysyn.files.hashes import digest
from anysyn.scans.chain import PreparedPerson, PreparedScan
from anysyn.scans.errors import PreparationError
from anysyn.scans.grids import grid_record
from anysyn.scans.steps import Steps
from anysyn.versions import versions

PREPARED = "prepared"  # label in the names: desc-prepared
MARK = "anysyn: prepared, not for clinical use"  # in the headers of the images
RECORDS = Path("derivatives", "anysyn")
MASKS = Path("derivatives", "masks")
FIELDS = Path("derivatives", "bias")
PERSON = "sub-*"
FILES = (  # all that is written, as globs of the manifest
    *("dataset_description.json", "participants.tsv", "participants.json", "subjects.csv", "subjects-left-out.csv"),
    *(
        f"{place}/*/{PERSON}_desc-{PREPARED}_*{end}"
        for place in (PERSON, f"{PERSON}/ses-*")
        for end in (".nii.gz", ".json")
    ),
    *(
        f"{MASKS}/{place}/anat/{PERSON}_desc-{PREPARED}_mask{end}"
        for place in (PERSON, f"{PERSON}/ses-*")
        for end in (".nii.gz", ".json")
    ),
    *(
        f"{FIELDS}/{place}/*/{PERSON}_desc-bias_*{end}"
        for place in (PERSON, f"{PERSON}/ses-*")
        for end in (".nii.gz", ".json")
    ),
    f"{RECORDS}/{PERSON}.json",
)


@dataclass(frozen=True)
class PersonFiles:
    """The places of one person's files in a study.

    Args:
        folder: The study.
        key: The person or session.
    """

    folder: Path
    key: str

    @property
    def label(self) -> str:
        """Return the beginning of the names."""
        return bids_place(self.key)[1]

    @property
    def record(self) -> Path:
        """Return the file that says that the person is whole."""
        return self.folder / RECORDS / f"{self.label}.json"

    def image(self, name: str, reference: str) -> Path:
        """Return the place of an image.

        Example:
            >>> PersonFiles(Path("study"), "sub-01").image("T2w", "T1w").as_posix()
            'study/sub-01/anat/sub-01_space-T1w_desc-prepared_T2w.nii.gz'
        """
        return self.folder / self._place / bids_name(self.label, name, space=space_of(reference), described=PREPARED)

    def bias(self, name: str, reference: str) -> Path:
        """Return the place of a bias field."""
        return (
            self.folder
            / FIELDS
            / self._place
            / bids_name(self.label, name, space=space_of(reference), described="bias")
        )

    def mask(self, label: str, reference: str) -> Path:
        """Return the place of a mask."""
        name = f"{self.label}_space-{space_of(reference)}_label-{label}_desc-{PREPARED}_mask.nii.gz"
        return self.folder / MASKS / self._place / "anat" / name

    @property
    def _place(self) -> Path:
        return bids_place(self.key)[0]


def space_of(reference: str) -> str:
    """Return the ``space-`` label of a reference.

    Example:
        >>> space_of("FDG-PET")
        'FDGPET'
    """
    return "".join(letter for letter in reference if letter.isalnum())


def asked_of(subject: Subject, steps: Steps) -> dict[str, Any]:
    """Return what a prepared person follows from: the files by their hashes, and the steps."""
    sources = {name: {"file": path.name, "sha256": digest(*files_of(path))} for name, path in subject.images.items()}
    return {"Sources": sources, "Steps": steps.record()}


def whole_person(place: PersonFiles) -> dict[str, Any] | None:
    """Return the record of a person whose files are all there as they were written; None for any other."""
    try:
        record = read_json(place.record)
        files = record["Files"]
        whole = all(digest(place.folder / name) == value for name, value in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return record if whole else None


def acquired(folder: Path, key: str) -> tuple[str, ...]:
    """Return the modalities that a prepared person has, those among them that were left out of the study.

    Raises:
        PreparationError: If the study has no record of the person.
    """
    record = whole_person(PersonFiles(folder, key))
    if record is None:
        raise PreparationError(f"{folder}: {key} is not whole; prepare it again with anysyn prepare")
    return tuple(record["Sources"])


def write_person(place: PersonFiles, subject: Subject, person: PreparedPerson, asked: Mapping[str, Any]) -> None:
    """Write a prepared person; the record comes last, so that who has one is whole.

    Args:
        place: Where.
        subject: The files.
        person: What they became.
        asked: What `asked_of` says.

    Raises:
        OSError: If something cannot be written.
        VolumeError: If an image cannot be written.
    """
    _forget(place)
    written = [_write_scan(place, subject, person, scan, asked) for scan in person.scans.values()]
    written += [path for scan in person.scans.values() for path in _write_field(place, person, scan)]
    for label, mask in person.masks.items():
        path = place.mask(label, person.reference)
        how = {"Type": "Brain", **person.brain_how} if label == "brain" else {}
        _write(path, mask.float(), person, {"Description": MARK, **how})
        written.append(path)
    files = {path.relative_to(place.folder).as_posix(): digest(path) for image in written for path in _pair(image)}
    about = {"Subject": subject.key, "Row": _row(subject), "Reference": person.reference, "Files": files}
    left = [_plainly(failure, subject) for failure in person.left_out]
    write_json(place.record, {**asked, **about, "LeftOut": left, "Versions": versions()})


def _forget(place: PersonFiles) -> None:
    """Delete what an earlier call wrote of this person, the record first."""
    try:
        files = list(read_json(place.record)["Files"])
    except (OSError, ValueError, KeyError, TypeError):
        files = []
    place.record.unlink(missing_ok=True)
    for name in files:
        path = (place.folder / name).resolve()
        if path.is_relative_to(place.folder.resolve()):
            path.unlink(missing_ok=True)


def _pair(image: Path) -> Iterator[Path]:
    yield image
    yield sidecar_path(image)


def _write_scan(
    place: PersonFiles, subject: Subject, person: PreparedPerson, scan: PreparedScan, asked: Mapping[str, Any]
) -> Path:
    name, path = scan.placed.name, place.image(scan.placed.name, person.reference)
    steps = {
        "Reference": person.reference,
        "Source": asked["Sources"][name],
        "SourceGrid": grid_record(scan.placed.study.grid),
        "Transform": {
            **scan.placed.how,
            "Matrix": scan.placed.matrix.tolist(),
            "World": "source to reference, mm, RAS+",
        },
        "Grid": grid_record(person.grid),
        "Interpolation": "linear, once",
        "Brain": {**person.brain_how, "File": _below(place, place.mask("brain", person.reference))}
        if person.brain_how
        else None,
        "Bias": None
        if scan.bias is None
        else {"Method": "N4", "File": _below(place, place.bias(name, person.reference))},
        "AssumedUnit": scan.placed.study.assumed.get(name),
    }
    record = scan.acquisition.to_bids() | {
        "Description": MARK,
        "Units": modality(name).unit,
        **({"Simulated": True} if sidecar_beside(subject.images[name]).get("Simulated") is True else {}),
        "SkullStripped": bool(person.brain_how),
        "Preparation": steps,
    }
    _write(path, scan.image, person, record)
    return path


def _write_field(place: PersonFiles, person: PreparedPerson, scan: PreparedScan) -> Iterator[Path]:
    if scan.bias is not None:
        path = place.bias(scan.placed.name, person.reference)
        _write(path, scan.bias, person, {"Description": "Bias field: the image was divided by it", "Method": "N4"})
        yield path


def _write(path: Path, voxels: Tensor, person: PreparedPerson, record: Mapping[str, Any]) -> None:
    sidecar = sidecar_path(path)
    with replacing_pair(path, sidecar) as folder:
        volume = Volume(voxels.to(torch.float32), person.grid.affine)
        write_volume(volume, folder / path.name, description=MARK, overwrite=True)
        write_json(folder / sidecar.name, record)


def _below(place: PersonFiles, path: Path) -> str:
    return path.relative_to(place.folder).as_posix()


def _row(subject: Subject) -> dict[str, Any]:
    """Return the person's row of participants.tsv."""
    known = next(iter(subject.acquisitions.values()), None)
    age, sex = (None, None) if known is None else (known.age_years, known.sex)
    return {"age": age, "sex": sex, "site": subject.dataset}


def _plainly(failure: Failure, subject: Subject) -> str:
    """Return a reason without the folders of the files."""
    reason = failure.reason
    for path in subject.images.values():
        reason = reason.replace(f"{path.parent}/", "")
    return reason
