"""The modules of a derived image (DICOM PS3.3): person, study, series, equipment, derivation, and those of its kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from anysyn.scans.dicom.headers import text_in
from anysyn.scans.dicom.unsuitable import MARK
from anysyn.versions import versions

if TYPE_CHECKING:
    from pydicom import Dataset

NOTICE = "synthetic, not for clinical use"
SOP_CLASSES = {
    "MRI": "1.2.840.10008.5.1.4.1.1.4",
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "PET": "1.2.840.10008.5.1.4.1.1.128",
}
MODALITIES = {"MRI": "MR", "CT": "CT", "PET": "PT"}
PERSON = (
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "PatientSex",
    "PatientAge",
    "PatientSize",
    "PatientWeight",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
)
STUDY = ("StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID", "StudyDescription")
PLACE = ("PositionReferenceIndicator", "PatientPosition", "BodyPartExamined")
LETTERS = 64  # of a description


@dataclass(frozen=True)
class Described:
    """What is written about a derived series.

    Args:
        target: Modality that is shown.
        family: ``"MRI"``, ``"CT"`` or ``"PET"``.
        derivation: How it was made, at most 1024 letters.
        moment: When it was written.
        anonymous: Whether person, study and day are left out.
    """

    target: str
    family: str
    derivation: str
    moment: datetime
    anonymous: bool = False


def derived(source: Dataset, about: Described, *, study: str, series: str, place: str) -> Dataset:
    """Return what all slices of a derived series share.

    Args:
        source: Header of a slice of the source.
        about: What is written about the series.
        study: UID of its study.
        series: UID of the new series.
        place: UID of its frame of reference.
    """
    from pydicom import Dataset

    header = Dataset()
    header.SpecificCharacterSet = source.get("SpecificCharacterSet") or "ISO_IR 192"
    header.SOPClassUID = SOP_CLASSES[about.family]
    _add_person(header, source, about)
    _copy(header, source, PLACE[:2])
    header.setdefault("PositionReferenceIndicator", "")
    if body := text_in(source, PLACE[2]):
        header.BodyPartExamined = body
    else:  # which may be one of a pair
        header.Laterality = text_in(source, "Laterality")
    header.StudyInstanceUID, header.SeriesInstanceUID, header.FrameOfReferenceUID = study, series, place
    header.Modality = MODALITIES[about.family]
    number = int(text_in(source, "SeriesNumber") or 0)
    header.SeriesNumber = 9000 + number % 1000
    header.SeriesDescription = f"{MARK} {about.target}, not for clinical use"[:LETTERS]
    header.SeriesDate = header.ContentDate = header.InstanceCreationDate = f"{about.moment:%Y%m%d}"
    header.SeriesTime = header.ContentTime = header.InstanceCreationTime = f"{about.moment:%H%M%S}"
    header.ImageComments = f"{about.target}: {NOTICE}"
    header.AcquisitionNumber = None
    header.BurnedInAnnotation = "NO"
    header.LossyImageCompression = "00"
    header.DerivationDescription = about.derivation[:1024]
    _add_equipment(header, source, about)
    _KINDS[about.family](header)
    return header


def referenced(headers: Iterable[Dataset]) -> list[Dataset]:
    """Return the items of SourceImageSequence for slices of the source."""
    return [_item(ReferencedSOPClassUID=h.SOPClassUID, ReferencedSOPInstanceUID=h.SOPInstanceUID) for h in headers]


def code(value: str, meaning: str, scheme: str = "DCM") -> Dataset:
    """Return an item of a code sequence."""
    return _item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _add_person(header: Dataset, source: Dataset, about: Described) -> None:
    if not about.anonymous:
        _copy(header, source, (*PERSON, *STUDY))
    else:
        header.PatientIdentityRemoved = "YES"
        header.DeidentificationMethod = "anysyn: written without person and study"
        header.PatientSex = text_in(source, "PatientSex")
    for keyword in (*PERSON[:2], *PERSON[3:5], *STUDY[:5]):  # these have to be there, known or not
        header.setdefault(keyword, "")


def _add_equipment(header: Dataset, source: Dataset, about: Described) -> None:
    version = versions()["anysyn"]
    header.Manufacturer = header.ManufacturerModelName = "anysyn"
    header.SoftwareVersions = version
    scanner = _item(
        PurposeOfReferenceCodeSequence=[code("109101", "Acquisition Equipment")],
        Manufacturer=text_in(source, "Manufacturer"),
        ManufacturerModelName=text_in(source, "ManufacturerModelName"),
        ContributionDescription="Acquired the source",
    )
    ours = _item(
        PurposeOfReferenceCodeSequence=[code("109102", "Processing Equipment")],
        Manufacturer="anysyn",
        ManufacturerModelName="anysyn",
        SoftwareVersions=version,
        ContributionDateTime=f"{about.moment:%Y%m%d%H%M%S}",
        ContributionDescription=f"Synthesized {about.target}; {NOTICE}",
    )
    header.ContributingEquipmentSequence = [scanner, ours]


def _add_mri(header: Dataset) -> None:
    header.ImageType = ["DERIVED", "SECONDARY", "OTHER", "SYNTHETIC"]
    header.ScanningSequence, header.SequenceVariant = "RM", "NONE"
    for keyword in ("ScanOptions", "MRAcquisitionType"):
        setattr(header, keyword, "")
    for keyword in ("RepetitionTime", "EchoTime", "EchoTrainLength"):  # nothing was acquired
        setattr(header, keyword, None)


def _add_ct(header: Dataset) -> None:
    header.ImageType = ["DERIVED", "SECONDARY", "AXIAL", "SYNTHETIC"]
    header.KVP = None
    header.RescaleType = "HU"


def _add_pet(header: Dataset) -> None:
    header.ImageType = ["DERIVED", "PRIMARY", "SYNTHETIC"]  # of a PET the second word can be no other
    header.Units, header.CountsSource, header.SUVType = "GML", "EMISSION", "BW"
    header.SeriesType = ["STATIC", "IMAGE"]
    header.DecayCorrection, header.CorrectedImage = "NONE", ""
    header.CollimatorType, header.ScatterCorrectionMethod = "", ""
    for keyword in ("RadiopharmaceuticalInformation", "PatientOrientationCode", "PatientGantryRelationshipCode"):
        setattr(header, f"{keyword}Sequence", [])
    if "PatientPosition" in header:  # the sequences above take its place
        del header.PatientPosition
    header.FrameReferenceTime = header.ActualFrameDuration = 0
    header.AcquisitionDate, header.AcquisitionTime = header.SeriesDate, header.SeriesTime


_KINDS = {"MRI": _add_mri, "CT": _add_ct, "PET": _add_pet}


def _copy(header: Dataset, source: Dataset, keywords: Iterable[str]) -> None:
    for keyword in keywords:
        if keyword in source:
            header[keyword] = source[keyword]


def _item(**values: Any) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    for keyword, value in values.items():
        if value != "":
            setattr(item, keyword, value)
    return item
