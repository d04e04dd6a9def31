"""The sites of a simulated cohort: field, vendor, protocols, coverage, diseases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anysyn.acquisition import Acquisition
from anysyn.data.modalities import modality
from anysyn.registry import UserError, suggest
from anysyn.simulation.protocols import varied
from anysyn.simulation.tissues import read_table

JITTER = 0.03  # standard deviation of a protocol's times between subjects, as a share
_FIELDS = {
    "tr": "repetition_time_ms",
    "te": "echo_time_ms",
    "ti": "inversion_time_ms",
    "fa": "flip_angle_deg",
    "b": "b_value",
}
_NOT_MRI: Mapping[str, Mapping[str, Any]] = {
    "CT": {"kvp": 120.0},
    "FDG-PET": {"tracer": "FDG"},
    "AV45-PET": {"tracer": "AV45"},
}


@dataclass(frozen=True)
class Protocol:
    """Hold how one image is to be made.

    Args:
        acquisition: What its sidecar will say.
        thickness_mm: Slice thickness; thinner than a voxel means a voxel.
    """

    acquisition: Acquisition
    thickness_mm: float = 0.0


@dataclass(frozen=True)
class Site:
    """Describe a site.

    Args:
        name: One letter.
        field_t: Static field in tesla.
        manufacturer: Scanner vendor.
        scale: About the largest intensity of its MR images.
        lesions: Diseases of its patients; each patient has one.
        contrasts: What it acquires at most.
        fewest: What it acquires at least.
        protocols: By modality, times in ms.
    """

    name: str
    field_t: float
    manufacturer: str
    scale: float
    lesions: tuple[str, ...]
    contrasts: tuple[str, ...]
    fewest: int
    protocols: Mapping[str, Mapping[str, float]]

    def coverage(self, generator: np.random.Generator, contrasts: Sequence[str] | None = None) -> tuple[str, ...]:
        """Draw which contrasts a subject of this site has, or take the ones asked for.

        Example:
            >>> site("B").coverage(np.random.default_rng(0))
            ('T1w', 'T1c', 'T2w', 'FLAIR')
        """
        if contrasts is not None:
            return tuple(contrasts)
        count = int(generator.integers(self.fewest, len(self.contrasts) + 1))
        chosen = sorted(generator.permutation(len(self.contrasts))[:count])
        return tuple(self.contrasts[i] for i in chosen)

    def protocol(self, name: str, generator: np.random.Generator, *, vary: bool = False) -> Protocol:
        """Draw a subject's protocol of a modality: the site's with little jitter, or from broad ranges.

        Args:
            name: The modality.
            generator: Draws it.
            vary: Whether from broad ranges; the sequence stays the site's.

        Raises:
            UserError: If the site has none.
        """
        if name in _NOT_MRI:
            return Protocol(Acquisition(modality=name, manufacturer=self.manufacturer, **_NOT_MRI[name]))
        if name not in self.protocols:
            makes = [*self.protocols, *_NOT_MRI]
            raise UserError(f"site {self.name} has no protocol for {name!r}; {suggest(name, makes)}")
        numbers = dict(self.protocols[name])
        thickness = numbers.pop("thickness", 0.0)
        drawn = varied(name, numbers, self.field_t, generator) if vary else _jittered(numbers, generator)
        times = {_FIELDS[key]: value for key, value in drawn.items()}
        known = {"modality": name, "field_strength_t": self.field_t, "manufacturer": self.manufacturer}
        return Protocol(Acquisition(**known, **{k: float(v) for k, v in times.items()}), thickness)  # type: ignore[arg-type]


def _jittered(numbers: Mapping[str, float], generator: np.random.Generator) -> dict[str, float]:
    return {
        key: round(value * float(np.exp(generator.normal(0, JITTER))), 1) if key in ("tr", "te") else value
        for key, value in numbers.items()
    }


def site_names() -> tuple[str, ...]:
    """List the sites in the order in which a cohort takes them.

    Example:
        >>> site_names()
        ('A', 'B', 'C', 'D')
    """
    return tuple(read_table("sites.yaml"))


def site(name: str) -> Site:
    """Return a site by its letter.

    Example:
        >>> site("D").contrasts
        ('FLAIR', 'DWI', 'ADC')
    """
    entry = read_table("sites.yaml")[name]
    return Site(
        name,
        float(entry["field"]),
        str(entry["manufacturer"]),
        float(entry["scale"]),
        tuple(entry["lesions"]),
        tuple(modality(word).name for word in entry["contrasts"]),
        int(entry["fewest"]),
        entry["protocols"],
    )
