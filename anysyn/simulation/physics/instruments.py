"""CT and PET instruments: kernels, reconstructions and constants, each with its source in instruments.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from anysyn.errors import UserError
from anysyn.registry import suggest
from anysyn.simulation.constants import read_table

FWHM = 2.3548  # of a Gaussian, in standard deviations


@dataclass(frozen=True)
class Blur:
    """Resolution and noise of a kernel or a reconstruction.

    Args:
        fwhm: Resolution in mm, full width at half maximum.
        noise: Relative to the first entry of the table.
        even: Whether the noise is the same everywhere instead of following the signal.
    """

    fwhm: float
    noise: float
    even: bool = False


def blur(kind: Literal["kernel", "reconstruction"], name: str) -> Blur:
    """Return the blur of a convolution kernel of CT or a reconstruction of PET.

    Raises:
        UserError: If there is none of that name.

    Example:
        >>> blur("kernel", "H31s").fwhm, blur("reconstruction", "FBP").even
        (1.4, True)
    """
    known = read_table("instruments.yaml")[f"{kind}s"]
    if name not in known:
        what = f"{kind} of {'CT' if kind == 'kernel' else 'PET'}"
        raise UserError(f"{name!r} is no {what} that can be simulated; {suggest(name, known)}")
    entry = known[name]
    return Blur(float(entry["fwhm"]), float(entry["noise"]), bool(entry.get("even", False)))


def kernels_like(name: str) -> tuple[str, ...]:
    """Return the kernels of the vendor of a kernel.

    Example:
        >>> kernels_like("UB")
        ('UA', 'UB', 'UC')
    """
    known = read_table("instruments.yaml")["kernels"]
    return tuple(like for like, entry in known.items() if entry["vendor"] == known[name]["vendor"])


def constant(instrument: str, name: str) -> float:
    """Return a constant of an instrument, ``"ct"`` or ``"pet"``, by its name in instruments.yaml.

    Example:
        >>> constant("pet", "half_life_min")
        109.8
    """
    return float(read_table("instruments.yaml")[instrument][name]["value"])


def powers(instrument: str, *path: str) -> Mapping[str, float]:
    """Return, by tissue, the power of its dependence on CT voltage or PET uptake time; absent tissues have 0.

    Args:
        instrument: ``"ct"`` or ``"pet"``.
        path: ``"by_kvp"``, or ``"by_time"`` and the tracer.

    Example:
        >>> powers("ct", "by_kvp")["bone"]
        0.7
    """
    table = read_table("instruments.yaml")[instrument]
    for word in path:
        table = table[word]
    return {name: float(power) for name, power in table.items() if name != "source"}
