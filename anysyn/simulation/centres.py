"""The centres of a simulated cohort, its hospitals: field, vendor, protocols, coverage, diseases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from anysyn.acquisition import Acquisition
from anysyn.acquisition.prompts import short
from anysyn.data.modalities import modality, tracer_of
from anysyn.errors import UserError
from anysyn.registry import suggest
from anysyn.simulation.constants import read_table
from anysyn.simulation.protocol_ranges import Numbers, varied

JITTER = 0.03  # standard deviation of a protocol's times between subjects, as a share
_FIELDS = {
    "tr": "repetition_time_ms",
    "te": "echo_time_ms",
    "ti": "inversion_time_ms",
    "fa": "flip_angle_deg",
    "b": "b_value",
    "kvp": "kvp",
    "ma": "tube_current_ma",
    "mas": "exposure_mas",
    "kernel": "kernel",
    "dose": "dose_mbq",
    "uptake": "uptake_time_min",
    "frame": "frame_duration_s",
    "reconstruction": "reconstruction",
}
_JITTERED = ("tr", "te", "ma", "dose", "uptake")


@dataclass(frozen=True)
class ScanProtocol:
    """Settings that a scan is made with.

    Args:
        acquisition: What the sidecar of the image says.
        thickness_mm: Slice thickness; thinner than a voxel means a voxel.
    """

    acquisition: Acquisition
    thickness_mm: float = 0.0


@dataclass(frozen=True)
class Centre:
    """Scanner, protocols and patients of a hospital.

    Args:
        name: One letter.
        field_t: Static field in tesla.
        manufacturer: Scanner vendor.
        scale: About the largest intensity of its MR images.
        lesions: Diseases of its patients; each patient has one.
        contrasts: Modalities that it acquires at most.
        fewest: Number of modalities that it acquires at least.
        protocols: By modality, times in ms; those of CT and PET as in centres.yaml.
        always: Modalities that every subject of it has.
    """

    name: str
    field_t: float
    manufacturer: str
    scale: float
    lesions: tuple[str, ...]
    contrasts: tuple[str, ...]
    fewest: int
    protocols: Mapping[str, Numbers]
    always: tuple[str, ...] = ()

    def coverage(self, generator: np.random.Generator, contrasts: Sequence[str] | None = None) -> tuple[str, ...]:
        """Draw which contrasts a subject of this centre has; given contrasts are returned as they are.

        Example:
            >>> centre("B").coverage(np.random.default_rng(0))
            ('T1w', 'T1c', 'T2w', 'FLAIR')
        """
        if contrasts is not None:
            return tuple(contrasts)
        count = int(generator.integers(self.fewest, len(self.contrasts) + 1))
        chosen = generator.permutation(len(self.contrasts))[:count]
        return tuple(name for i, name in enumerate(self.contrasts) if i in chosen or name in self.always)

    def protocol(self, name: str, generator: np.random.Generator, *, vary: bool = False) -> ScanProtocol:
        """Draw a subject's protocol of a modality: the centre's with a small jitter, or one from broad ranges.

        Args:
            name: The modality.
            generator: Draws the jitter, or the numbers.
            vary: Whether to draw from broad ranges; the sequence stays the centre's.

        Raises:
            UserError: If the centre has no protocol of the modality.
        """
        if name not in self.protocols:
            raise UserError(f"centre {self.name} has no protocol for {name!r}; {suggest(name, self.protocols)}")
        numbers = dict(self.protocols[name])
        thickness = float(numbers.pop("thickness", 0.0))
        drawn = varied(name, numbers, self.field_t, generator) if vary else _jittered(numbers, generator)
        if "rotation" in drawn:
            drawn["mas"] = float(short(float(drawn["ma"]) * float(drawn.pop("rotation"))))
        settings: dict[str, Any] = {
            _FIELDS[key]: value if isinstance(value, str) else float(value) for key, value in drawn.items()
        }
        known: dict[str, Any] = {"modality": name, "manufacturer": self.manufacturer, "tracer": tracer_of(name)}
        known |= {"field_strength_t": self.field_t} if modality(name).family == "MRI" else {}
        return ScanProtocol(Acquisition(**known, **settings), thickness)


def _jittered(numbers: Numbers, generator: np.random.Generator) -> dict[str, float | str]:
    return {
        key: round(float(value) * float(np.exp(generator.normal(0, JITTER))), 1) if key in _JITTERED else value
        for key, value in numbers.items()
    }


def chosen_centres(chosen: int | Sequence[str]) -> tuple[str, ...]:
    """Return the letters of the chosen centres.

    Args:
        chosen: Number of centres, from the first on, or their letters.

    Raises:
        UserError: If there are fewer, there is no centre of a letter, or one is there twice.

    Example:
        >>> chosen_centres(2), chosen_centres(["F"])
        (('A', 'B'), ('F',))
    """
    names = tuple(read_table("centres.yaml"))
    if isinstance(chosen, int):
        if not 1 <= chosen <= len(names):
            raise UserError(f"--centres {chosen}: choose 1 to {len(names)}")
        return names[:chosen]
    for name in chosen:
        if name not in names:
            raise UserError(f"--centres: no centre {name!r}; {suggest(name, names)}")
    if not chosen:
        raise UserError("--centres: no centre is given; give a number, or letters such as E,F")
    if len(set(chosen)) < len(chosen):
        raise UserError(f"--centres {','.join(chosen)}: a centre is there twice; name each once")
    return tuple(chosen)


def centre(name: str) -> Centre:
    """Return a centre by its letter.

    Example:
        >>> centre("D").contrasts
        ('FLAIR', 'DWI', 'ADC')
    """
    entry = read_table("centres.yaml")[name]
    return Centre(
        name,
        float(entry["field"]),
        str(entry["manufacturer"]),
        float(entry["scale"]),
        tuple(entry["lesions"]),
        tuple(modality(word).name for word in entry["contrasts"]),
        int(entry["fewest"]),
        entry["protocols"],
        tuple(entry.get("always", ())),
    )
