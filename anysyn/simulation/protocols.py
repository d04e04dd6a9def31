"""Protocols drawn from broad ranges, so that a network can learn what their numbers do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from anysyn.prompts import short
from anysyn.simulation.signal import null_time
from anysyn.simulation.tissues import read_table, tissue

TIMES = ("tr", "te", "ti", "fa")
OF_NULL = "ti_of_null"


def varied(name: str, numbers: Mapping[str, float], field_t: float, generator: np.random.Generator) -> dict[str, float]:
    """Draw a protocol of the sequence that a site uses, from the ranges of protocols.yaml.

    What has no range, the b-value, stays. Numbers are rounded as a prompt writes them, so that it says all there is.

    Args:
        name: Modality.
        numbers: The site's protocol; which of TR, TE, TI and flip angle it gives tells the sequence.
        field_t: Static field in tesla.
        generator: Draws them.

    Example:
        >>> drawn = varied("T2w", {"tr": 5000, "te": 95}, 3.0, np.random.default_rng(0))
        >>> 2000 <= drawn["tr"] <= 8200, 45 <= drawn["te"] <= 160
        (True, True)
    """
    spans = ranges(name, numbers)
    drawn = {key: float(np.exp(generator.uniform(*np.log(span)))) for key, span in spans.items()}
    if OF_NULL in drawn:
        drawn["ti"] = drawn.pop(OF_NULL) * null_time(tissue("fluid", field_t).t1, tr=drawn["tr"])
    return {**numbers, **{key: float(short(value)) for key, value in drawn.items()}}


def ranges(name: str, numbers: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """Return the two ends of every number of the sequence that a protocol is of.

    Args:
        name: Modality.
        numbers: A protocol.

    Example:
        >>> ranges("PDw", {"tr": 3000, "te": 14})["te"]
        (8.0, 35.0)
    """
    given = {key for key in TIMES if key in numbers}
    entries: list[dict[str, Any]] = read_table("protocols.yaml")[name]
    spans = next(entry for entry in entries if {key.partition("_")[0] for key in entry} - {"source"} == given)
    return {key: (float(span[0]), float(span[1])) for key, span in spans.items() if key != "source"}
