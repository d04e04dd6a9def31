"""What a user hands in: NIfTI in any layout that anysyn reads, or DICOM, which is converted first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.data.subjects.find import Layout, find_subjects
from anysyn.data.subjects.remedies import OF_TABLE
from anysyn.data.volumes.formats import is_volume
from anysyn.errors import UserError
from anysyn.scans.errors import PreparationError

CONVERTER = "anysyn.scans.dicom"
MOST_LOOKED_AT = 2000  # files, before a folder without volumes is taken for one without DICOM
PREAMBLE = 128  # bytes before the letters that begin a DICOM file


def found_scans(source: str | Path, converted: str | Path, *, layout: Layout = "auto") -> FoundSubjects:
    """Find the people and scans of a folder, a table or an archive.

    Args:
        source: A folder of NIfTI (BIDS or not) or of DICOM, a CSV or a ZIP of DICOM.
        converted: Folder for what is converted from DICOM.
        layout: How a folder of NIfTI is laid out.

    Raises:
        UserError: If there is nobody, or the source cannot be read.
    """
    path = Path(source)
    return (
        of_dicom(path, Path(converted)).found
        if is_dicom(path)
        else find_subjects(path, layout=layout, remedies=OF_TABLE)
    )


def is_dicom(path: Path) -> bool:
    """Tell whether a path is a ZIP, a DICOM file or a folder that holds DICOM and no volume of another format.

    Example:
        >>> is_dicom(Path("scans.zip")), is_dicom(Path("subjects.csv"))
        (True, False)
    """
    if not path.is_dir():
        return path.suffix.lower() == ".zip" or (path.is_file() and _begins_as_dicom(path))
    dicom = False
    for number, file in enumerate(path.rglob("*")):
        if is_volume(file):
            return False
        dicom = dicom or (file.is_file() and _begins_as_dicom(file))
        if dicom and number > MOST_LOOKED_AT:
            break
    return dicom


class ConvertedScans(NamedTuple):
    """What was converted from DICOM.

    Args:
        found: The people and their NIfTI files.
        headers: By person and modality, the headers of the series that a file was made of.
    """

    found: FoundSubjects
    headers: Mapping[str, Mapping[str, Sequence[Any]]]


def of_dicom(path: Path, converted: Path) -> ConvertedScans:
    """Convert DICOM and return the people in it.

    Raises:
        UserError: If there is no converter, or nothing is converted.
    """
    if find_spec(CONVERTER) is None:
        raise PreparationError(f"{path}: is DICOM; convert it with dcm2niix, and name the folder of the NIfTI files")
    conversion: Any = import_module(CONVERTER).convert(path, converted)
    found, of_file = subjects_of(conversion), {one.path: one.headers for one in conversion.series}
    headers = {one.key: {name: of_file[image] for name, image in one.images.items()} for one in found.subjects}
    return ConvertedScans(found, headers)


def subjects_of(conversion: Any) -> FoundSubjects:
    """Return the people of a conversion: of several series of one contrast of a person the first counts.

    Args:
        conversion: With ``series``, each with path, modality, acquisition, subject and session, and ``left_out``.
    """
    people: dict[str, dict[str, Any]] = {}
    ignored = list[Failure]()
    for series in conversion.series:
        key = "_".join(filter(None, (series.subject, series.session)))
        own = people.setdefault(key, {})
        if series.modality is None:
            ignored.append(Failure(key, series.path, f"{series.path.name}: is of no known contrast"))
        elif series.modality in own:
            first = own[series.modality].path.name
            ignored.append(Failure(key, series.path, f"{series.path.name}: {first} is used"))
        else:
            own[series.modality] = series
    subjects = tuple(_subject(key, own) for key, own in sorted(people.items()) if own)
    if not subjects:
        raise UserError("no series of the DICOM is of a known contrast; convert it with dcm2niix and name the files")
    return FoundSubjects(subjects, (), (*ignored, *conversion.left_out), layout="dicom")


def _subject(key: str, series: dict[str, Any]) -> Subject:
    return Subject(
        key,
        "DICOM",
        images={name: one.path for name, one in series.items()},
        acquisitions={name: one.acquisition for name, one in series.items()},
        masks={},
        person=next(iter(series.values())).subject,
    )


def _begins_as_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(PREAMBLE + 4)[PREAMBLE:] == b"DICM"
    except OSError:
        return False
