"""Limits of what a scanner can be set to, and the settings that each sequence needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from anysyn.acquisition import Acquisition
from anysyn.data.modalities import modality, tracer_of
from anysyn.errors import UserError
from anysyn.simulation.physics.instruments import blur

# Ranges of the settings; beyond them the equations have values but no scanner can be set so.
LIMITS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "MRI": {
        "repetition_time_ms": (1, 60_000),
        "echo_time_ms": (0, 1_000),
        "inversion_time_ms": (1, 20_000),
        "flip_angle_deg": (1, 180),
        "field_strength_t": (0.1, 12),
        "b_value": (0, 5_000),
    },
    "CT": {"kvp": (60, 160), "tube_current_ma": (5, 2_000), "exposure_mas": (5, 2_000)},
    "PET": {"dose_mbq": (1, 2_000), "uptake_time_min": (1, 300), "frame_duration_s": (1, 7_200)},
}
WORDS: Mapping[Literal["kernel", "reconstruction"], str] = {"kernel": "CT", "reconstruction": "PET"}


def check_acquisition(acquisition: Acquisition) -> None:
    """Raise an error unless a scanner could make the acquisition.

    Raises:
        UserError: If a number is out of range, times overlap, a kernel is unknown, or numbers of one kind of scanner
            are given for another.

    Example:
        >>> check_acquisition(Acquisition(modality="T2w", repetition_time_ms=4000.0, echo_time_ms=-5.0))
        Traceback (most recent call last):
        anysyn.errors.UserError: echo_time_ms of T2w is -5; choose one from 0 to 1000
    """
    name = acquisition.modality or ""
    _check_kind(acquisition, name)
    given = {key: value for key in LIMITS[modality(name).family] if (value := getattr(acquisition, key)) is not None}
    for key, value in given.items():
        low, high = LIMITS[modality(name).family][key]
        low = 1 if (name, key) == ("ADC", "b_value") else low  # an ADC is fitted to a second weighting
        if not low <= value <= high:  # NaN is in no range
            raise UserError(f"{key} of {name} is {value:g}; choose one from {low:g} to {high:g}")
    tr = given.get("repetition_time_ms", float("inf"))
    for key in ("echo_time_ms", "inversion_time_ms"):
        if given.get(key, 0) >= tr:
            raise UserError(f"{key} of {name} is {given[key]:g}; choose one below repetition_time_ms, which is {tr:g}")


def needed(acquisition: Acquisition, name: str) -> float:
    """Return a number of an acquisition.

    Raises:
        UserError: If it is not given.

    Example:
        >>> needed(Acquisition(modality="CT", kvp=120.0), "kvp")
        120.0
    """
    value = getattr(acquisition, name)
    if value is None:
        raise UserError(f"simulating {acquisition.modality} needs {name}; it is not given")
    return float(value)


def _check_kind(acquisition: Acquisition, name: str) -> None:
    family, known = modality(name).family, acquisition.known()
    foreign = [key for other, limits in LIMITS.items() if other != family for key in limits if key in known]
    foreign += [key for key, other in WORDS.items() if other != family and key in known]
    if foreign:
        raise UserError(f"{name} has no {foreign[0]}; leave it out")
    for word in WORDS.keys() & known.keys():
        blur(word, known[word])
    if acquisition.tracer is not None and acquisition.tracer != tracer_of(name):
        raise UserError(f"{name} has the tracer {tracer_of(name)}, not {acquisition.tracer}; leave it out")
