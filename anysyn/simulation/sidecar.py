"""Sidecars of simulated images, in BIDS terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anysyn.acquisition import Acquisition
from anysyn.data.modalities import modality
from anysyn.simulation.physics.instruments import blur

NOTICE = "simulated by anysyn, not for clinical use"
# What BIDS requires of a PET beside its acquisition. What a simulation does not have is "n/a" or "none".
_PET: Mapping[str, Any] = {
    "AcquisitionMode": "static",
    "AttenuationCorrection": "none: simulated without attenuation",
    "FrameTimesStart": [0],
    "ImageDecayCorrected": True,
    "ImageDecayCorrectionTime": 0,
    "InjectedMass": "n/a",
    "InjectedMassUnits": "n/a",
    "ManufacturersModelName": "simulated",
    "ModeOfAdministration": "bolus",
    "ReconFilterType": "Gaussian",
    "ReconMethodParameterLabels": ["none"],
    "ReconMethodParameterUnits": ["none"],
    "ReconMethodParameterValues": [0],
    "SpecificRadioactivity": "n/a",
    "SpecificRadioactivityUnits": "n/a",
    "TimeZero": "12:00:00",
    "TracerRadionuclide": "F18",
}


def sidecar_of(acquisition: Acquisition) -> dict[str, Any]:
    """Write the sidecar of a simulated image.

    Example:
        >>> sidecar_of(Acquisition(modality="T2w", echo_time_ms=95.0))["EchoTime"]
        0.095
        >>> sidecar_of(Acquisition(modality="FDG-PET", tracer="FDG"))["TracerRadionuclide"]
        'F18'
    """
    known = modality(acquisition.modality or "")
    pet = dict(_PET) if known.family == "PET" else {}
    if acquisition.reconstruction is not None:
        pet["ReconFilterSize"] = blur("reconstruction", acquisition.reconstruction).fwhm
    return {**pet, **acquisition.to_bids(), "Simulated": True, "Description": NOTICE, "Units": known.unit}
