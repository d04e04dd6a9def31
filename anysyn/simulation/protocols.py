"""Protocols drawn from broad ranges, so that a network can learn what their numbers do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anysyn.acquisition.prompts import short
from anysyn.simulation.constants import read_table
from anysyn.simulation.physics.instruments import kernels_like, reconstruction_names
from anysyn.simulation.physics.signal import null_time
from anysyn.simulation.physics.tissues import tissue

Numbers = Mapping[str, float | str]  # of a protocol; kernels and reconstructions are words

TOLD_BY = ("tr", "te", "ti", "fa", "ma", "rotation", "kvp", "dose", "uptake", "frame")
OF_NULL = "ti_of_null"


def varied(name: str, numbers: Numbers, field_t: float, generator: np.random.Generator) -> dict[str, float | str]:
    """Draw a protocol of the sequence that a site uses, from the ranges of protocols.yaml.

    What has no range, the b-value, stays. Numbers are rounded as a prompt writes them, so that it says all there is.
    The kernel of a CT is one of the same vendor, the reconstruction of a PET any.

    Args:
        name: Modality.
        numbers: The site's protocol; which numbers it gives tells the sequence.
        field_t: Static field in tesla.
        generator: Draws them.

    Example:
        >>> drawn = varied("T2w", {"tr": 5000, "te": 95}, 3.0, np.random.default_rng(0))
        >>> 2000 <= drawn["tr"] <= 8200, 45 <= drawn["te"] <= 160
        (True, True)
    """
    drawn = {key: float(np.exp(generator.uniform(*np.log(span)))) for key, span in ranges(name, numbers).items()}
    if OF_NULL in drawn:
        drawn["ti"] = drawn.pop(OF_NULL) * null_time(tissue("fluid", field_t).t1, tr=drawn["tr"])
    words = {key: held[int(generator.integers(len(held)))] for key, held in choices(name, numbers).items()}
    return {**numbers, **{key: float(short(value)) for key, value in drawn.items()}, **words}


def ranges(name: str, numbers: Numbers) -> dict[str, tuple[float, float]]:
    """Return the two ends of every number of the sequence that a protocol is of.

    Args:
        name: Modality.
        numbers: A protocol.

    Example:
        >>> ranges("PDw", {"tr": 3000, "te": 14})["te"]
        (8.0, 35.0)
    """
    spans = _entry(name, numbers)
    return {key: (float(span[0]), float(span[1])) for key, span in spans.items() if len(span) == 2}


def choices(name: str, numbers: Numbers) -> dict[str, Sequence[float | str]]:
    """Return what a protocol takes one of: the voltage and the kernel of CT, the reconstruction of PET.

    Args:
        name: Modality.
        numbers: A protocol.

    Example:
        >>> choices("CT", {"kvp": 120, "ma": 300, "rotation": 1, "kernel": "H31s"})
        {'kvp': (80.0, 100.0, 120.0, 140.0), 'kernel': ('H31s', 'H41s', 'H60s')}
    """
    found: dict[str, Sequence[float | str]] = {
        key: tuple(map(float, values)) for key, values in _entry(name, numbers).items() if len(values) > 2
    }
    if "kernel" in numbers:
        found["kernel"] = kernels_like(str(numbers["kernel"]))
    if "reconstruction" in numbers:
        found["reconstruction"] = reconstruction_names()
    return found


def _entry(name: str, numbers: Numbers) -> dict[str, Any]:
    given = {key for key in TOLD_BY if key in numbers}
    entries: list[dict[str, Any]] = read_table("protocols.yaml")[name]
    entry = next(entry for entry in entries if {key.partition("_")[0] for key in entry} - {"source"} == given)
    return {key: values for key, values in entry.items() if key != "source"}
