"""The BIDS sidecar of a series, from its DICOM tags: settings of the scanner, and nothing of the person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anysyn.scans.dicom.headers import number_in, text_in, value_in, without_person

if TYPE_CHECKING:
    from pydicom import Dataset

# BIDS key -> (DICOM keywords of classic and enhanced files, factor to BIDS's unit)
NUMBERS = {
    "MagneticFieldStrength": (("MagneticFieldStrength",), 1.0),
    "RepetitionTime": (("RepetitionTime",), 1e-3),
    "EchoTime": (("EchoTime", "EffectiveEchoTime"), 1e-3),
    "InversionTime": (("InversionTime", "InversionTimes"), 1e-3),
    "FlipAngle": (("FlipAngle",), 1.0),
    "EchoTrainLength": (("EchoTrainLength",), 1.0),
    "SliceThickness": (("SliceThickness",), 1.0),
    "SpacingBetweenSlices": (("SpacingBetweenSlices",), 1.0),
    "PixelBandwidth": (("PixelBandwidth",), 1.0),
    "KVP": (("KVP",), 1.0),
    "XRayTubeCurrent": (("XRayTubeCurrent",), 1.0),
    "Exposure": (("Exposure",), 1.0),
}
TEXTS = {
    "Modality": ("Modality",),
    "ManufacturersModelName": ("ManufacturerModelName",),
    "SeriesDescription": ("SeriesDescription",),
    "ProtocolName": ("ProtocolName",),
    "ScanningSequence": ("ScanningSequence",),
    "SequenceVariant": ("SequenceVariant",),
    "ScanOptions": ("ScanOptions",),
    "SequenceName": ("SequenceName",),
    "PulseSequenceName": ("PulseSequenceName",),
    "MRAcquisitionType": ("MRAcquisitionType",),
    "ContrastBolusAgent": ("ContrastBolusAgent",),
    "ContrastBolusIngredient": ("ContrastBolusIngredient",),
    "BodyPartExamined": ("BodyPartExamined",),
    "ConvolutionKernel": ("ConvolutionKernel",),
    "ReconMethodName": ("ReconstructionMethod",),
}
# What dcm2niix knows better, since it reads the private tags of the vendors.
CONVERTERS = (
    *(key for key in (*NUMBERS, *TEXTS) if key != "SeriesDescription"),
    "Manufacturer",
    "PulseSequenceDetails",
    "PulseSequenceType",
    "EchoNumber",
    "ConversionSoftware",
    "ConversionSoftwareVersion",
)
_VENDORS = {"siemens": "Siemens", "ge": "GE", "philips": "Philips", "toshiba": "Toshiba", "canon": "Canon"}


def sidecar_of(header: Dataset, converted: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the sidecar of a series, in the units of BIDS.

    Args:
        header: Of one of its files.
        converted: The JSON that dcm2niix made of it; of this only the settings of the scanner are taken.

    Example:
        >>> from pydicom import Dataset
        >>> header = Dataset()
        >>> header.PatientName, header.EchoTime, header.Manufacturer = "Doe^Jane", 95, "GE MEDICAL SYSTEMS"
        >>> sidecar_of(header, {"PatientName": "Doe^Jane", "RepetitionTime": 4.0})
        {'EchoTime': 0.095, 'Manufacturer': 'GE', 'RepetitionTime': 4.0}
    """
    fields: dict[str, Any] = {}
    for key, (keywords, factor) in NUMBERS.items():
        values = (number_in(header, keyword) for keyword in keywords)
        if (value := next((value for value in values if value), None)) is not None:
            fields[key] = round(value * factor, 9)
    for key, keywords in TEXTS.items():
        if text := next((text for keyword in keywords if (text := text_in(header, keyword))), ""):
            fields[key] = without_person(text, header)
    fields |= _agent(header) | _lists(header)
    if maker := text_in(header, "Manufacturer"):
        fields["Manufacturer"] = vendor(maker)
    known = converted or {}
    fields |= {key: _plain(known[key], header) for key in CONVERTERS if key in known}
    return {key: value for key, value in fields.items() if value not in ("", [])}


def vendor(maker: str) -> str:
    """Return the name of a vendor in its usual form.

    Example:
        >>> [vendor(maker) for maker in ("SIEMENS", "GE MEDICAL SYSTEMS", "Philips Healthcare", "UIH")]
        ['Siemens', 'GE', 'Philips', 'UIH']
    """
    first = re.split(r"[\s_-]", maker.strip().lower(), maxsplit=1)[0]
    return _VENDORS.get(first, maker.strip())


def person_fields(header: Dataset) -> dict[str, Any]:
    """Return age in years and sex, as an acquisition record has them; an age above 89 is not passed on.

    Example:
        >>> from pydicom import Dataset
        >>> header = Dataset()
        >>> header.PatientAge, header.PatientSex = "018M", "F"
        >>> person_fields(header)
        {'age_years': 1.5, 'sex': 'F'}
    """
    known: dict[str, Any] = {}
    age = re.fullmatch(r"(\d{1,3})([DWMY])", text_in(header, "PatientAge"))
    if age:
        years = int(age[1]) / {"D": 365.25, "W": 52.18, "M": 12.0, "Y": 1.0}[age[2]]
        known |= {"age_years": round(years, 2)} if years < 90 else {}
    if (sex := text_in(header, "PatientSex").upper()) in ("F", "M", "O"):
        known["sex"] = sex
    return known


def _agent(header: Dataset) -> dict[str, Any]:
    """Read the agent of an enhanced file, which is a code."""
    for item in value_in(header, "ContrastBolusAgentSequence") or ():
        if meaning := str(item.get("CodeMeaning", "")):
            return {"ContrastBolusAgent": meaning}
    return {}


def _lists(header: Dataset) -> dict[str, Any]:
    words = [word.strip() for word in text_in(header, "ImageType").split("\\") if word.strip()]
    return {"ImageType": words} if words else {}


def _plain(value: Any, header: Dataset) -> Any:
    return without_person(value, header) if isinstance(value, str) else value
