"""The headers of DICOM files, and the series that they form."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pydicom import Dataset

FUNCTIONAL_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
NO_DICOM, COPY = "is no DICOM", "is a copy of another file"
DIRECTORY = "1.2.840.10008.1.3.10"  # SOP class of a DICOMDIR


@dataclass(frozen=True, eq=False)
class SourceSeries:
    """The files of one series, with their headers.

    Args:
        files: The files, in the order of their slices.
        headers: Their headers without pixels, in the same order.
        person: A hash that tells people apart; it is never written.
        study: A hash that tells the examinations of a person apart, by day where the day is known.
        day: ``YYYYMMDD``, to sort examinations; empty if unknown. It is never written.
    """

    files: tuple[Path, ...]
    headers: tuple[Dataset, ...] = field(repr=False)
    person: str
    study: str
    day: str = ""

    @property
    def header(self) -> Dataset:
        """Return the header of its first file."""
        return self.headers[0]

    @property
    def number(self) -> int:
        """Return the series number; 0 if it has none."""
        return int(number_in(self.header, "SeriesNumber") or 0)

    @property
    def description(self) -> str:
        """Return its description, without any word of the person's name or identifiers."""
        return without_person(text_in(self.header, "SeriesDescription"), self.header)

    def __str__(self) -> str:
        files = f"{len(self.files)} file{'s' if len(self.files) > 1 else ''}"
        return f"series {self.number} {self.description!r} ({files})"

    def taking(self, numbers: Iterable[int]) -> SourceSeries:
        """Return the series of some of its files, by their index."""
        chosen = list(numbers)
        files, headers = (tuple(items[n] for n in chosen) for items in (self.files, self.headers))
        return SourceSeries(files, headers, self.person, self.study, self.day)  # type: ignore[arg-type]


def read_series(paths: Sequence[Path]) -> tuple[list[SourceSeries], dict[Path, str]]:
    """Read the headers of files and group them by series; each header is read once, without its pixels.

    Returns:
        The series by day and number, and why other files belong to none.
    """
    from pydicom import dcmread
    from pydicom.errors import InvalidDicomError

    groups: dict[tuple[str, str], list[tuple[Path, Dataset]]] = {}
    others, images = dict[Path, str](), dict[str, Path]()
    for path in paths:
        try:
            header = dcmread(path, stop_before_pixels=True)
            if header.file_meta.get("MediaStorageSOPClassUID") == DIRECTORY:
                continue
            key = (person_of(header), str(header.get("SeriesInstanceUID", "")))
            first = images.setdefault(str(header.get("SOPInstanceUID", path)), path)
        except InvalidDicomError:
            others[path] = NO_DICOM
        except Exception:  # a damaged file may raise anything; it costs itself, not the others
            others[path] = "is damaged DICOM; export it again"
        else:
            if first is path:
                groups.setdefault(key, []).append((path, header))
            else:
                others[path] = COPY
    series = [_series(person, files) for (person, _), files in groups.items()]
    return sorted(series, key=lambda one: (one.day, one.number, str(one.files[0]))), others


def _series(person: str, files: list[tuple[Path, Dataset]]) -> SourceSeries:
    ordered = sorted(files, key=lambda pair: (along_normal(pair[1]), number_in(pair[1], "InstanceNumber") or 0))
    header = ordered[0][1]
    day = text_in(header, "StudyDate")
    study = hashlib.sha256((day or text_in(header, "StudyInstanceUID")).encode()).hexdigest()
    return SourceSeries(tuple(p for p, _ in ordered), tuple(h for _, h in ordered), person, study, day)


def person_of(header: Dataset) -> str:
    """Return a hash that tells people apart: of the ID and who issued it, or else of name and birth date.

    Without any of these, each examination counts as a person of its own.
    """
    identity = [text_in(header, key) for key in ("PatientID", "IssuerOfPatientID")]
    if not identity[0]:
        identity = [text_in(header, key) for key in ("PatientName", "PatientBirthDate")]
    if not any(identity):
        identity = [text_in(header, "StudyInstanceUID")]
    return hashlib.sha256("\n".join(identity).encode(errors="replace")).hexdigest()


def without_person(text: str, header: Dataset) -> str:
    """Return a text, or nothing if it holds a word of the person's name, identifiers or birth date.

    Example:
        >>> from pydicom import Dataset
        >>> header = Dataset()
        >>> header.PatientName, header.PatientID = "Doe^Jane", "4711"
        >>> without_person("t2_tse", header), without_person("T1 jane", header), without_person("t1_4711", header)
        ('t2_tse', '', '')
    """
    keys = ("PatientName", "PatientID", "OtherPatientIDs", "PatientBirthDate", "AccessionNumber")
    words = {word for key in keys for word in text_in(header, key).replace("^", " ").casefold().split()}
    return "" if any(len(word) > 2 and word in text.casefold() for word in words) else text


def value_in(header: Dataset, keyword: str) -> Any:
    """Return the value of an attribute, also of an enhanced file's functional groups; None if it is absent or empty."""
    value = header.get(keyword)
    if value is not None and value != "":
        return value
    for group in FUNCTIONAL_GROUPS:
        for item in list(header.get(group, ()))[:1]:
            for element in item:
                if element.VR == "SQ" and element.value and (inner := element.value[0].get(keyword)) is not None:
                    return inner
    return None


def text_in(header: Dataset, keyword: str) -> str:
    """Return an attribute as text, several values with a backslash between; empty if it is absent."""
    value = value_in(header, keyword)
    if value is None:
        return ""
    return "\\".join(map(str, value)) if isinstance(value, (list, tuple)) or _is_multiple(value) else str(value).strip()


def number_in(header: Dataset, keyword: str) -> float | None:
    """Return an attribute as a finite number, the first of several; None if it is absent or none."""
    return as_number(value_in(header, keyword))


def as_number(value: Any) -> float | None:
    """Return a value as a finite number, the first of several; None if it is none.

    Example:
        >>> as_number(b"800 "), as_number(["2.5", "3"]), as_number("n/a"), as_number(None)
        (800.0, 2.5, None, None)
    """
    if isinstance(value, (list, tuple)) or _is_multiple(value):
        value = value[0] if len(value) else None
    try:
        number = float(value.decode("ascii", "ignore").strip("\0 ") if isinstance(value, bytes) else value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) else None


def _is_multiple(value: Any) -> bool:
    return type(value).__name__ == "MultiValue"


def orientation_of(header: Dataset) -> NDArray[np.float64] | None:
    """Return the directions (3, 3) of a slice in LPS as columns: along its rows, along its columns, and the normal."""
    cosines = value_in(header, "ImageOrientationPatient")
    if cosines is None or len(cosines) != 6:
        return None
    row, column = np.array(cosines, dtype=np.float64).reshape(2, 3)
    return np.stack([row, column, np.cross(row, column)], axis=1)


def position_of(header: Dataset) -> NDArray[np.float64] | None:
    """Return the centre (3,) of the first voxel of a slice in LPS, in mm."""
    place = value_in(header, "ImagePositionPatient")
    return None if place is None or len(place) != 3 else np.array(place, dtype=np.float64)


def along_normal(header: Dataset) -> float:
    """Return the place of a slice along its normal in mm; 0 if it is unknown."""
    axes, place = orientation_of(header), position_of(header)
    return 0.0 if axes is None or place is None else round(float(axes[:, 2] @ place), 3)


def frames_of(series: SourceSeries) -> int:
    """Return the number of slices of all files."""
    return sum(int(number_in(header, "NumberOfFrames") or 1) for header in series.headers)
