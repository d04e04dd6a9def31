"""Sidecars of simulated images, in BIDS terms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from anysyn.acquisition import Acquisition
from anysyn.data.modalities import modality
from anysyn.simulation.acquire import PET_FWHM_MM

NOTICE = "simulated by anysyn, not for clinical use"
# BIDS asks all of this of a PET image. What a simulation has none of is "n/a" or "none"; times are in seconds from the
# start of the scan and, like the doses, those usual for the tracer.
_PET: Mapping[str, Any] = {
    "AcquisitionMode": "static",
    "AttenuationCorrection": "none: simulated without attenuation",
    "FrameTimesStart": [0],
    "ImageDecayCorrected": True,
    "ImageDecayCorrectionTime": 0,
    "InjectedMass": "n/a",
    "InjectedMassUnits": "n/a",
    "InjectedRadioactivityUnits": "MBq",
    "ManufacturersModelName": "simulated",
    "ModeOfAdministration": "bolus",
    "ReconFilterSize": PET_FWHM_MM,
    "ReconFilterType": "Gaussian",
    "ReconMethodName": "none: simulated in image space",
    "ReconMethodParameterLabels": ["none"],
    "ReconMethodParameterUnits": ["none"],
    "ReconMethodParameterValues": [0],
    "ScanStart": 0,
    "SpecificRadioactivity": "n/a",
    "SpecificRadioactivityUnits": "n/a",
    "TimeZero": "12:00:00",
    "TracerRadionuclide": "F18",
}
_TRACERS: Mapping[str, Mapping[str, Any]] = {
    "FDG": {"InjectedRadioactivity": 250, "InjectionStart": -2700, "FrameDuration": [900]},
    "AV45": {"InjectedRadioactivity": 370, "InjectionStart": -3000, "FrameDuration": [1200]},
}


def sidecar_of(acquisition: Acquisition) -> dict[str, Any]:
    """Write the sidecar of a simulated image.

    Args:
        acquisition: How it was made.

    Example:
        >>> sidecar_of(Acquisition(modality="T2w", echo_time_ms=95.0))["EchoTime"]
        0.095
        >>> sidecar_of(Acquisition(modality="FDG-PET", tracer="FDG"))["TracerRadionuclide"]
        'F18'
    """
    tracer = _TRACERS.get(acquisition.tracer or "")
    pet = {} if tracer is None else {**_PET, **tracer}
    units = modality(acquisition.modality or "").unit
    return {**acquisition.to_bids(), **pet, "Simulated": True, "Description": NOTICE, "Units": units}
