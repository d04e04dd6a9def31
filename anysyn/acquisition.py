"""Describe how one image was, or should be, acquired."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

# BIDS key -> (field, factor to our unit). BIDS gives times in seconds, angles in degrees, fields in tesla.
_BIDS = {
    "RepetitionTime": ("repetition_time_ms", 1000.0),
    "EchoTime": ("echo_time_ms", 1000.0),
    "InversionTime": ("inversion_time_ms", 1000.0),
    "FlipAngle": ("flip_angle_deg", 1.0),
    "MagneticFieldStrength": ("field_strength_t", 1.0),
    "DiffusionBValue": ("b_value", 1.0),
    "XRayTubeVoltage": ("kvp", 1.0),
}
_BIDS_WORDS = {"Manufacturer": "manufacturer", "TracerName": "tracer"}


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """Hold what is known of an acquisition; every field may be None.

    Args:
        modality: Canonical modality name, for example ``"T2w"``.
        repetition_time_ms: Repetition time in ms (of an MPRAGE: its inversion cycle).
        echo_time_ms: Echo time in ms.
        inversion_time_ms: Inversion time in ms.
        flip_angle_deg: Excitation flip angle in degrees.
        field_strength_t: Static field in tesla.
        manufacturer: Scanner vendor.
        voxel_size_mm: Voxel edge lengths in mm, in the order of the array axes.
        age_years: Age of the subject in years.
        sex: ``"F"``, ``"M"`` or ``"O"``.
        tracer: PET tracer, for example ``"FDG"``.
        kvp: X-ray tube voltage in kV.
        b_value: Diffusion weighting in s/mm^2.

    Example:
        >>> Acquisition(modality="T2w", echo_time_ms=95.0).to_bids()
        {'EchoTime': 0.095}
    """

    modality: str | None = None
    repetition_time_ms: float | None = None
    echo_time_ms: float | None = None
    inversion_time_ms: float | None = None
    flip_angle_deg: float | None = None
    field_strength_t: float | None = None
    manufacturer: str | None = None
    voxel_size_mm: tuple[float, float, float] | None = None
    age_years: float | None = None
    sex: str | None = None
    tracer: str | None = None
    kvp: float | None = None
    b_value: float | None = None

    @classmethod
    def from_bids(cls, sidecar: Mapping[str, Any], **known: Any) -> Acquisition:
        """Read a BIDS JSON sidecar; what is missing or not a number stays None.

        Args:
            sidecar: The parsed JSON, in BIDS units (seconds, degrees, tesla).
            known: Fields known from elsewhere: the modality, the voxel size, the age.

        Returns:
            The acquisition in this record's units.

        Example:
            >>> Acquisition.from_bids({"RepetitionTime": 2.3, "FlipAngle": "n/a"}, modality="T1w").repetition_time_ms
            2300.0
        """
        found: dict[str, Any] = {}
        for key, (name, factor) in _BIDS.items():
            value = sidecar.get(key)
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                found[name] = round(float(value) * factor, 6)
        for key, name in _BIDS_WORDS.items():
            if isinstance(sidecar.get(key), str):
                found[name] = sidecar[key]
        return cls(**{**found, **known})

    def to_bids(self) -> dict[str, Any]:
        """Write the known scanner fields as a BIDS sidecar; the subject's and the grid's are not part of one."""
        numbers = {key: (getattr(self, name), factor) for key, (name, factor) in _BIDS.items()}
        sidecar: dict[str, Any] = {key: round(v / factor, 9) for key, (v, factor) in numbers.items() if v is not None}
        words = {key: getattr(self, name) for key, name in _BIDS_WORDS.items()}
        return sidecar | {key: word for key, word in words.items() if word is not None}

    def known(self) -> dict[str, Any]:
        """Return the fields that are not None.

        Example:
            >>> Acquisition(modality="CT", kvp=120.0).known()
            {'modality': 'CT', 'kvp': 120.0}
        """
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}
