"""A simulated subject, rebuilt at any time from a few numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from anysyn.acquisition import Acquisition
from anysyn.simulation.anatomy.anatomy import Anatomy, Head, of_subject, template
from anysyn.simulation.anatomy.labels import labelled
from anysyn.simulation.anatomy.lesions import LESIONS
from anysyn.simulation.anatomy.traits import Traits, draw_traits
from anysyn.simulation.anatomy.vessels import with_vessels
from anysyn.simulation.anatomy.warp import smooth_field
from anysyn.simulation.centres import ScanProtocol, centre
from anysyn.simulation.physics.tissues import tissue_names

# The fields that seed the noise of an image. Fields that were added to the record later are left out: with them a seed
# would give other bytes than before.
_NOISE_FIELDS = (
    "modality",
    "repetition_time_ms",
    "echo_time_ms",
    "inversion_time_ms",
    "flip_angle_deg",
    "field_strength_t",
    "manufacturer",
    "voxel_size_mm",
    "age_years",
    "sex",
    "tracer",
    "kvp",
    "b_value",
)
_CHOICES = ("vary", "brain_alone", "thickness", "vary_tissues")
SPREAD = 0.03  # standard deviation of a tissue's relaxation times between subjects, as a share


@dataclass(frozen=True)
class SimulatedSubject:
    """Seed and settings that determine a simulated subject.

    Args:
        seed: Of the cohort.
        number: Of the subject in it, from 0.
        centre: Letter of its centre.
        spacing: Voxel size in mm.
        labels: Label map of its anatomy; the ICBM152 template by default.
        vary: Whether its protocols are drawn from broad ranges.
        brain_alone: Whether the images of a label map show the brain alone, as after brain extraction.
        thickness: Of the slices in mm, instead of the centre's.
        vary_tissues: Whether T2 of its grey and white matter is drawn between the reports of it.
    """

    seed: int
    number: int
    centre: str
    spacing: float
    labels: str | None = None
    vary: bool = False
    brain_alone: bool = False
    thickness: float | None = None
    vary_tissues: bool = False

    def draws(self, purpose: str) -> np.random.Generator:
        """Return the random generator of one purpose, independent of that of any other."""
        return np.random.default_rng([self.seed, self.number, *purpose.encode()])

    def to_json(self) -> dict[str, Any]:
        """Return what the cohort's JSON file holds, with the centre as ``site`` and only the choices that were made.

        Example:
            >>> subject = SimulatedSubject(seed=0, number=4, centre="A", spacing=2.0)
            >>> SimulatedSubject.from_json(subject.to_json()) == subject
            True
        """
        entries = asdict(self)
        site, choices = entries.pop("centre"), {name: entries.pop(name) for name in _CHOICES}
        return {**entries, "site": site, **{name: chosen for name, chosen in choices.items() if chosen}}

    @classmethod
    def from_json(cls, entries: Mapping[str, Any]) -> SimulatedSubject:
        """Return the subject of a cohort's JSON file."""
        return cls(centre=entries["site"], **{name: value for name, value in entries.items() if name != "site"})


def key_of(number: int) -> str:
    """Write the BIDS label of a subject.

    Example:
        >>> key_of(0)
        'sub-001'
    """
    return f"sub-{number + 1:03d}"


@lru_cache(maxsize=1)
def head_of(subject: SimulatedSubject) -> Head:
    """Build the head of a subject: warp, vessels, lesion, textures, relaxation times."""
    base = template(subject.spacing) if subject.labels is None else labelled(Path(subject.labels), subject.spacing)
    anatomy: Anatomy = of_subject(base, subject.draws("anatomy"), subject.spacing)
    if subject.labels is None:  # label maps of whole heads have vessels of their own
        anatomy = with_vessels(anatomy, subject.spacing, subject.draws("vessels"))
    draw = subject.draws("lesion")
    kinds = centre(subject.centre).lesions
    anatomy = LESIONS[kinds[int(draw.integers(len(kinds)))]](anatomy, subject.spacing, draw)
    texture = subject.draws("texture")
    fine, broad = (smooth_field(anatomy.shape, length / subject.spacing, texture) for length in (4.0, 15.0))
    factors = {name: float(np.exp(texture.normal(0, SPREAD))) for name in tissue_names()}
    second = (0.7 * fine + 0.5 * broad).astype(np.float32)
    whole = subject.labels is not None and not subject.brain_alone
    in_vivo = subject.draws("tissues").random() if subject.vary_tissues else 0.0
    return Head(anatomy, second, factors, subject.spacing, whole, traits_of(subject), in_vivo)


def traits_of(subject: SimulatedSubject) -> Traits:
    """Draw the traits of a subject that only CT and PET show."""
    return draw_traits(person_of(subject)[0], subject.draws("traits"))


def person_of(subject: SimulatedSubject) -> tuple[int, str]:
    """Draw age in years and sex.

    Example:
        >>> person_of(SimulatedSubject(seed=0, number=0, centre="A", spacing=2.0))
        (77, 'F')
    """
    draw = subject.draws("person")
    return int(draw.integers(22, 82)), str(draw.choice(["F", "M"]))


def protocols_of(subject: SimulatedSubject, contrasts: Sequence[str] | None = None) -> dict[str, ScanProtocol]:
    """Draw which images a subject has, the given contrasts or those its centre covers, and the protocol of each."""
    here, draw = centre(subject.centre), subject.draws("coverage")
    age, sex = person_of(subject)
    facts: dict[str, Any] = {"voxel_size_mm": (subject.spacing,) * 3, "age_years": float(age), "sex": sex}
    names = here.coverage(draw, contrasts)
    protocols = {name: here.protocol(name, subject.draws(f"protocol {name}"), vary=subject.vary) for name in names}
    thick = {} if subject.thickness is None else {"thickness_mm": subject.thickness}
    return {n: replace(p, acquisition=replace(p.acquisition, **facts), **thick) for n, p in protocols.items()}


def noise_of(subject: SimulatedSubject, acquisition: Acquisition) -> np.random.Generator:
    """Return the random generator of what a scanner adds to an image: shading, gain, noise."""
    fields = ", ".join(f"{name}={getattr(acquisition, name)!r}" for name in _NOISE_FIELDS)
    return subject.draws(f"noise Acquisition({fields})")
