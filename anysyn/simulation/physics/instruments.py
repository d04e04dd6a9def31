"""CT and PET instruments: kernels, reconstructions and constants, each with its source in instruments.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from anysyn.errors import UserError
from anysyn.registry import suggest
from anysyn.simulation.constants import read_table


@dataclass(frozen=True)
class Blur:
    """Resolution and noise of a kernel or a reconstruction.

    Args:
        fwhm: Resolution in mm.
        noise: Relative to the first entry of the table.
        even: Whether the noise is the same everywhere instead of following the signal.
    """

    fwhm: float
    noise: float
    even: bool = False


def kernel(name: str) -> Blur:
    """Return a convolution kernel of CT.

    Raises:
        UserError: If there is none of that name.

    Example:
        >>> kernel("H31s").fwhm
        1.4
    """
    return _blur("kernels", name, "kernel of CT")


def reconstruction(name: str) -> Blur:
    """Return a reconstruction of PET.

    Raises:
        UserError: If there is none of that name.

    Example:
        >>> reconstruction("FBP").even
        True
    """
    return _blur("reconstructions", name, "reconstruction of PET")


def kernels_like(name: str) -> tuple[str, ...]:
    """Return the kernels of the vendor of a kernel.

    Example:
        >>> kernels_like("UB")
        ('UA', 'UB', 'UC')
    """
    known = read_table("instruments.yaml")["kernels"]
    return tuple(like for like, entry in known.items() if entry["vendor"] == known[name]["vendor"])


def reconstruction_names() -> tuple[str, ...]:
    """Return the reconstructions of PET.

    Example:
        >>> reconstruction_names()
        ('OSEM', 'OSEM+PSF', 'FBP')
    """
    return tuple(read_table("instruments.yaml")["reconstructions"])


def constant(instrument: str, name: str) -> float:
    """Return a constant of an instrument.

    Args:
        instrument: ``"ct"`` or ``"pet"``.
        name: Its name in instruments.yaml.

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


def _blur(table: str, name: str, what: str) -> Blur:
    known = read_table("instruments.yaml")[table]
    if name not in known:
        raise UserError(f"{name!r} is no {what} that can be simulated; {suggest(name, known)}")
    entry = known[name]
    return Blur(float(entry["fwhm"]), float(entry["noise"]), bool(entry.get("even", False)))
