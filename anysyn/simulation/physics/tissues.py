"""The properties of tissues, each value with its source in tissues.yaml."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anysyn.simulation.constants import read_table

AIR_HU = -1000.0


@dataclass(frozen=True)
class Tissue:
    """Properties of a tissue at one field strength.

    Args:
        t1: Longitudinal relaxation time in ms.
        t2: Transverse relaxation time in ms, of excised tissue where it was measured so.
        t2star: Effective transverse relaxation time in ms.
        pd: Proton density, 1 for water.
        adc: Apparent diffusion coefficient in 1e-3 mm^2/s.
        hu: CT number in HU.
        fdg: FDG uptake in SUV.
        av45: AV45 uptake in SUVR, cerebellum 1.
        gadolinium: Concentration of contrast agent on a T1c image in mM.
        t2_in_vivo: Another report of T2, of living people, in ms; None if there is one report.
    """

    t1: float
    t2: float
    t2star: float
    pd: float
    adc: float
    hu: float
    fdg: float
    av45: float
    gadolinium: float
    t2_in_vivo: float | None = None


def tissue_names() -> tuple[str, ...]:
    """List the tissues.

    Example:
        >>> tissue_names()[:3]
        ('grey', 'white', 'fluid')
    """
    return tuple(read_table("tissues.yaml"))


def tissue(name: str, field_t: float) -> Tissue:
    """Return a tissue at a field; relaxation times between and beyond 1.5 T and 3 T follow the power law through both.

    Args:
        name: One of `tissue_names`.
        field_t: Static field in tesla.

    Example:
        >>> tissue("white", 3.0).t1, tissue("white", 1.5).t1
        (887.0, 680.0)
    """
    return Tissue(**{key: _at(entry, field_t) for key, entry in read_table("tissues.yaml")[name].items()})


def t2_between(mean: Tissue, in_vivo: float) -> float:
    """Return the T2 in ms at a place between its two reports: ``T2^(1 - u) T2_in_vivo^u``; or the only one.

    Args:
        mean: The tissue.
        in_vivo: u, from 0 to 1.

    Example:
        >>> grey = tissue("grey", 3.0)
        >>> [round(t2_between(grey, u), 1) for u in (0.0, 0.5, 1.0)]
        [99.0, 84.4, 72.0]
    """
    return mean.t2 if mean.t2_in_vivo is None else mean.t2 * (mean.t2_in_vivo / mean.t2) ** in_vivo


def _at(entry: Mapping[Any, Any], field_t: float) -> float:
    if "value" in entry:
        return float(entry["value"])
    low, high = float(entry[1.5]), float(entry[3.0])
    return low * math.pow(high / low, math.log2(field_t / 1.5))


def relaxivities() -> tuple[float, float]:
    """Return r1 and r2 of the contrast agent per mM and s.

    Example:
        >>> relaxivities()
        (5.0, 6.1)
    """
    agent = read_table("contrast_agent.yaml")
    return float(agent["r1"]["value"]), float(agent["r2"]["value"])
