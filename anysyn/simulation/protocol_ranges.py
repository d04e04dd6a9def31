"""Protocols drawn from broad ranges, so that a network can learn the effect of their numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anysyn.acquisition.prompts import short
from anysyn.simulation.constants import read_table
from anysyn.simulation.physics.instruments import kernels_like
from anysyn.simulation.physics.signal import null_time
from anysyn.simulation.physics.tissues import tissue

Numbers = Mapping[str, float | str]  # of a protocol; kernels and reconstructions are words

SEQUENCE_KEYS = ("tr", "te", "ti", "fa", "ma", "rotation", "kvp", "dose", "uptake", "frame")
OF_NULL = "ti_of_null"


def varied(name: str, numbers: Numbers, field_t: float, generator: np.random.Generator) -> dict[str, float | str]:
    """Draw a protocol of the sequence that a centre uses, from the ranges of protocol_ranges.yaml.

    The b-value has no range and stays. Numbers are rounded as a prompt writes them, so that the prompt is exact. The
    kernel of a CT is any of the same vendor, the reconstruction of a PET any.

    Args:
        name: Modality.
        numbers: The centre's protocol; which numbers it gives decides the sequence.
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
    words = {key: options[int(generator.integers(len(options)))] for key, options in choices(name, numbers).items()}
    return {**numbers, **{key: float(short(value)) for key, value in drawn.items()}, **words}


def ranges(name: str, numbers: Numbers) -> dict[str, tuple[float, float]]:
    """Return the range of every number of a protocol's sequence.

    Example:
        >>> ranges("PDw", {"tr": 3000, "te": 14})["te"]
        (8.0, 35.0)
    """
    spans = _entry(name, numbers)
    return {key: (float(span[0]), float(span[1])) for key, span in spans.items() if len(span) == 2}


def choices(name: str, numbers: Numbers) -> dict[str, Sequence[float | str]]:
    """Return the choices of every setting that is drawn from a list: voltage, CT kernel, PET reconstruction.

    Example:
        >>> choices("CT", {"kvp": 120, "ma": 300, "rotation": 1, "kernel": "H31s"})
        {'kvp': (80.0, 100.0, 120.0, 140.0), 'kernel': ('H31s', 'H41s', 'H60s')}
    """
    options: dict[str, Sequence[float | str]] = {
        key: tuple(map(float, values)) for key, values in _entry(name, numbers).items() if len(values) > 2
    }
    if "kernel" in numbers:
        options["kernel"] = kernels_like(str(numbers["kernel"]))
    if "reconstruction" in numbers:
        options["reconstruction"] = tuple(read_table("instruments.yaml")["reconstructions"])
    return options


def _entry(name: str, numbers: Numbers) -> dict[str, Any]:
    keys = {key for key in SEQUENCE_KEYS if key in numbers}
    entries: list[dict[str, Any]] = read_table("protocol_ranges.yaml")[name]
    entry = next(entry for entry in entries if {key.partition("_")[0] for key in entry} - {"source"} == keys)
    return {key: values for key, values in entry.items() if key != "source"}
