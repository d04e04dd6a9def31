"""DICOM in: a folder, a ZIP or a file becomes NIfTI of known contrasts, each with the JSON of BIDS beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anysyn.acquisition import Acquisition
from anysyn.data.errors import VolumeError
from anysyn.data.modalities import modality, named
from anysyn.data.records import Failure
from anysyn.data.subjects.layouts.bids import bids_name
from anysyn.data.subjects.names.name_words import words_of
from anysyn.data.subjects.names.naming import Naming
from anysyn.data.subjects.names.recognised import Recognised
from anysyn.errors import reason
from anysyn.scans.dicom.choice import Candidate, plainest
from anysyn.scans.dicom.converter import dcm2niix, volumes_of
from anysyn.scans.dicom.diffusion import OneBValue, of_one_b_value
from anysyn.scans.dicom.errors import DicomError, check_installed
from anysyn.scans.dicom.headers import SourceSeries, read_series, text_in
from anysyn.scans.dicom.nifti_files import write_nifti
from anysyn.scans.dicom.one_volume import is_diffusion_map, one_volume
from anysyn.scans.dicom.opening import dicom_files
from anysyn.scans.dicom.people import labels_of
from anysyn.scans.dicom.sidecar import person_fields
from anysyn.scans.dicom.unsuitable import reason_against

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True)
class Series:
    """A series that was converted.

    Args:
        path: Its NIfTI file.
        sidecar: The content of the JSON beside it, nothing of the person.
        modality: Canonical name of the contrast.
        acquisition: Settings of the scanner, age and sex.
        subject: ``"sub-01"``, given or counted.
        session: ``"ses-1"`` if the person has several examinations.
        files: The DICOM files that it was made of; those of a ZIP are gone.
        headers: Their headers without pixels: what `write_series` needs.
        remarks: What was decided on the way, a line each.
    """

    path: Path
    sidecar: Mapping[str, Any]
    modality: str | None
    acquisition: Acquisition
    subject: str
    session: str | None = None
    files: tuple[Path, ...] = ()
    headers: tuple[Dataset, ...] = field(default=(), repr=False)
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conversion:
    """What became of the series of a folder.

    Args:
        series: Those that were converted.
        left_out: Series and files that were not, each with the reason.
    """

    series: tuple[Series, ...]
    left_out: tuple[Failure, ...] = ()


def convert(
    source: str | Path,
    out: str | Path,
    *,
    subject: str | None = None,
    contrast: str | None = None,
    program: Path | str | None = "found",
) -> Conversion:
    """Convert the DICOM series of a folder, a ZIP or a file to NIfTI.

    The contrast of a series follows from its tags, as that of a NIfTI file from its sidecar; localizers, derived
    series, reports and what is no known contrast are left out with the reason. CT comes in HU, PET in SUV. Of a
    diffusion series the b-value that is read clinically is taken, averaged over directions. Nothing that is written
    names the person.

    Args:
        source: The folder, ZIP or file.
        out: Folder for the NIfTI files, laid out as BIDS; nothing in it is overwritten.
        subject: Label such as ``sub-01`` for the one person in it; people are counted by default.
        contrast: The one that is wanted; others are left out. If there is one image, and its tags name no contrast, it
            is taken to be that one.
        program: dcm2niix; None has SimpleITK read the series. By default dcm2niix where it is installed.

    Raises:
        DicomError: If pydicom is missing, the source is not readable, or a subject is given for several people.
    """
    check_installed()
    chosen = dcm2niix() if program == "found" else Path(program) if program else None
    wanted = modality(contrast).name if contrast else None
    with dicom_files(Path(source)) as paths, tempfile.TemporaryDirectory(prefix="anysyn-") as folder:
        series, others = read_series(paths)
        if not series:
            raise DicomError(f"{source}: none of its {len(paths)} files is readable DICOM; check the path")
        labels = labels_of(series, subject)
        work = _Work(Path(folder), chosen, labels)
        candidates, left_out = work.candidates(series, wanted)
        kept, doubles = plainest(candidates, labels)
        written = tuple(_written(one, Path(out), labels) for one in kept)
        return Conversion(written, (*left_out, *doubles, *_unread(others)))


@dataclass(frozen=True)
class _Work:
    folder: Path
    program: Path | None
    labels: Mapping[SourceSeries, tuple[str, str | None]]

    def candidates(self, series: Sequence[SourceSeries], wanted: str | None) -> tuple[list[Candidate], list[Failure]]:
        found, left_out = list[Candidate](), list[Failure]()
        usable = [one for one in series if reason_against(one) is None]
        for number, one in enumerate(series):
            try:
                candidate = self.candidate(one, number, wanted if len(usable) == 1 else None)
                if wanted and candidate.recognised.name != wanted:
                    seen = candidate.recognised
                    raise DicomError(f"is {seen.name}, not {wanted} ({seen.reason})")
                found.append(candidate)
            except (DicomError, VolumeError, OSError, ValueError, RuntimeError, MemoryError) as error:
                left_out.append(Failure(self.labels[one][0], None, f"{one}: {reason(error)}"))
        return found, left_out

    def candidate(self, series: SourceSeries, number: int, given: str | None) -> Candidate:
        """Return a converted series and its contrast; a `DicomError` says why it is left out."""
        if why := reason_against(series):
            raise DicomError(why)
        folder = self.folder / f"{number}"
        weighting = OneBValue(series) if is_diffusion_map(series) else of_one_b_value(series, folder)
        taken = weighting.series
        volumes = volumes_of(taken, folder / "converted", self.program)
        seen = one_volume(series if len(series.files) == 1 else taken, volumes, weighting)
        text = text_in(series.header, "SeriesDescription")
        recognised = Naming().contrast(words_of(text), {**seen.sidecar, "SeriesDescription": text})
        if given and recognised.name is None:
            recognised = Recognised(given, f"named {given}")
        if recognised.name is None:
            raise DicomError(recognised.reason)
        return Candidate(series, seen, recognised)


def _written(one: Candidate, out: Path, labels: Mapping[SourceSeries, tuple[str, str | None]]) -> Series:
    seen, name = one.seen, str(one.recognised.name)
    subject, session = labels[one.series]
    folder = out / subject / session if session else out / subject
    path = folder / bids_name(f"{subject}_{session}" if session else subject, name)
    write_nifti(path, seen.volume, seen.sidecar)
    acquisition = named(Acquisition.from_bids(seen.sidecar, **person_fields(seen.source.header)), name)
    remarks = tuple(f"{one.series}: {remark}" for remark in seen.remarks)
    files, headers = seen.source.files, seen.source.headers
    return Series(path, seen.sidecar, name, acquisition, subject, session, files, headers, remarks)


def _unread(others: Mapping[Path, str]) -> list[Failure]:
    """Return the files that belong to no series; of many of a kind the first and their number."""
    left_out = []
    for why in dict.fromkeys(others.values()):
        first, *more = [path for path, reason_ in others.items() if reason_ == why]
        also = f" and {len(more)} more" if more else ""
        left_out.append(Failure("", first, f"{first.name}{also}: {why}"))
    return left_out
