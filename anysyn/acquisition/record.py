"""The acquisition of an image: scanner, settings and subject, as far as they are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from anysyn.acquisition import prompts

# BIDS key -> (field, factor to our unit). BIDS gives times in seconds, angles in degrees, fields in tesla.
_BIDS = {
    "RepetitionTime": ("repetition_time_ms", 1000.0),
    "EchoTime": ("echo_time_ms", 1000.0),
    "InversionTime": ("inversion_time_ms", 1000.0),
    "FlipAngle": ("flip_angle_deg", 1.0),
    "MagneticFieldStrength": ("field_strength_t", 1.0),
    "DiffusionBValue": ("b_value", 1.0),
    "KVP": ("kvp", 1.0),
    "XRayTubeCurrent": ("tube_current_ma", 1.0),
    "Exposure": ("exposure_mas", 1.0),
}
# BIDS has no terms for CT, so DICOM's keywords are written. These are other names of the same numbers in sidecars.
_ALIASES = {"XRayTubeVoltage": "KVP", "XRayExposure": "Exposure"}
_BIDS_WORDS = {
    "Manufacturer": "manufacturer",
    "TracerName": "tracer",
    "ConvolutionKernel": "kernel",
    "ReconMethodName": "reconstruction",
}
_UNKNOWN = ("", "n/a", "none", "unknown")
_TO_MBQ = {"MBq": 1.0, "kBq": 1e-3, "Bq": 1e-6, "GBq": 1e3}


@dataclass(frozen=True, kw_only=True)
class Acquisition:
    """Settings of the acquisition of an image; an unknown field is None.

    Args:
        modality: Canonical modality name, for example ``"T2w"``.
        repetition_time_ms: Repetition time in ms (for an MPRAGE, of its inversion cycle).
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
        tube_current_ma: X-ray tube current in mA.
        exposure_mas: X-ray exposure in mAs.
        kernel: Convolution kernel of a CT, for example ``"H31s"``.
        dose_mbq: Injected radioactivity in MBq.
        uptake_time_min: Time from the injection to the start of the scan in minutes.
        frame_duration_s: Duration of the frame in seconds.
        reconstruction: Reconstruction of a PET, for example ``"OSEM"``.

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
    tube_current_ma: float | None = None
    exposure_mas: float | None = None
    kernel: str | None = None
    dose_mbq: float | None = None
    uptake_time_min: float | None = None
    frame_duration_s: float | None = None
    reconstruction: str | None = None

    @classmethod
    def from_prompt(cls, text: str) -> Acquisition:
        """Read a prompt, one of `to_prompt` or a published one.

        Raises:
            UserError: If the text is no prompt; the message names the position.

        Example:
            >>> Acquisition.from_prompt(Acquisition(modality="T2w", echo_time_ms=95.0).to_prompt()).echo_time_ms
            95.0
        """
        return cls(**prompts.read(text))

    def to_prompt(self) -> str:
        """Write the known fields as a line for a text tower: TUMSyn's for MRI, the same grammar for CT and PET.

        Numbers are rounded to 0.1, below 10 to 0.01. The b-value has no slot.

        Example:
            >>> Acquisition(modality="T1w").to_prompt()[:62]
            'Age: None; Gender: None; Scanner: None None; Modality: T1w; Vo'
        """
        return prompts.write(self.known())

    @classmethod
    def from_bids(cls, sidecar: Mapping[str, Any], **known: Any) -> Acquisition:
        """Read a BIDS JSON sidecar; an entry that is missing or not a number stays None.

        Args:
            sidecar: The parsed JSON, in BIDS units (seconds, degrees, tesla).
            known: Fields known from elsewhere: the modality, the voxel size, the age.

        Example:
            >>> Acquisition.from_bids({"RepetitionTime": 2.3, "FlipAngle": "n/a"}, modality="T1w").repetition_time_ms
            2300.0
        """
        entries = {**{key: sidecar[also] for also, key in _ALIASES.items() if also in sidecar}, **sidecar}
        numbers = {
            name: round(value * factor, 6)
            for key, (name, factor) in _BIDS.items()
            if (value := _number(entries, key)) is not None
        }
        texts = {name: sidecar.get(key) for key, name in _BIDS_WORDS.items()}
        words = {name: text for name, text in texts.items() if isinstance(text, str) and text.lower() not in _UNKNOWN}
        return cls(**{**numbers, **words, **_pet(sidecar), **known})

    def to_bids(self) -> dict[str, Any]:
        """Write the known scanner fields as a BIDS sidecar; those of the subject and the grid are not part of it."""
        numbers = {key: (getattr(self, name), factor) for key, (name, factor) in _BIDS.items()}
        sidecar: dict[str, Any] = {key: round(v / factor, 9) for key, (v, factor) in numbers.items() if v is not None}
        words = {key: getattr(self, name) for key, name in _BIDS_WORDS.items()}
        if self.dose_mbq is not None:
            sidecar |= {"InjectedRadioactivity": self.dose_mbq, "InjectedRadioactivityUnits": "MBq"}
        if self.uptake_time_min is not None:
            sidecar |= {"InjectionStart": round(-60 * self.uptake_time_min, 6), "ScanStart": 0}
        if self.frame_duration_s is not None:
            sidecar["FrameDuration"] = [self.frame_duration_s]
        return sidecar | {key: word for key, word in words.items() if word is not None}

    def known(self) -> dict[str, Any]:
        """Return the fields that are not None.

        Example:
            >>> Acquisition(modality="CT", kvp=120.0).known()
            {'modality': 'CT', 'kvp': 120.0}
        """
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}


def _number(sidecar: Mapping[str, Any], key: str) -> float | None:
    value = sidecar.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _pet(sidecar: Mapping[str, Any]) -> dict[str, float]:
    """Read dose, uptake time and the duration of a single frame, each of which is computed from several entries."""
    values = dict[str, float]()
    dose, unit = _number(sidecar, "InjectedRadioactivity"), _TO_MBQ.get(str(sidecar.get("InjectedRadioactivityUnits")))
    if dose is not None and unit is not None:
        values["dose_mbq"] = round(dose * unit, 6)
    injected, begun = (_number(sidecar, key) for key in ("InjectionStart", "ScanStart"))
    if injected is not None and begun is not None:
        values["uptake_time_min"] = round((begun - injected) / 60, 6)
    frames = sidecar.get("FrameDuration")
    frame = _number({"only": frames[0] if isinstance(frames, list) and len(frames) == 1 else frames}, "only")
    return values if frame is None else {**values, "frame_duration_s": frame}
