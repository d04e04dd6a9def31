"""One simulated subject, rebuilt at any time from a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from anysyn.acquisition import Acquisition
from anysyn.simulation.anatomy.anatomy import Anatomy, of_subject, template
from anysyn.simulation.anatomy.head import Head
from anysyn.simulation.anatomy.labels import labelled
from anysyn.simulation.anatomy.lesions import LESIONS
from anysyn.simulation.anatomy.traits import Traits, draw_traits
from anysyn.simulation.anatomy.vessels import with_vessels
from anysyn.simulation.anatomy.warp import smooth_field
from anysyn.simulation.physics.tissues import tissue_names
from anysyn.simulation.sites import Protocol, site

# What tells the noise of one image from that of another. Fields that records get later are not among them, so that
# cohorts keep their bytes.
_NOISE_BY = (
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
SPREAD = 0.03  # standard deviation of a tissue's relaxation times between subjects, as a share


@dataclass(frozen=True)
class Recipe:
    """Hold the numbers that a simulated subject follows from.

    Args:
        seed: Of the cohort.
        number: Of the subject in it.
        site: Letter of its site.
        spacing: Voxel size in mm.
        labels: Label map that it was made from; the ICBM152 template by default.
        vary: Whether its protocols are drawn from broad ranges.
    """

    seed: int
    number: int
    site: str
    spacing: float
    labels: str | None = None
    vary: bool = False

    def draws(self, purpose: str) -> np.random.Generator:
        """Make the generator of one purpose, independent of every other one."""
        return np.random.default_rng([self.seed, self.number, *purpose.encode()])

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as a mapping; cohorts that do not vary keep the bytes that they had before others did."""
        return {name: value for name, value in asdict(self).items() if name != "vary" or value}


def key_of(number: int) -> str:
    """Write the BIDS label of a subject.

    Example:
        >>> key_of(0)
        'sub-001'
    """
    return f"sub-{number + 1:03d}"


@lru_cache(maxsize=1)
def head_of(recipe: Recipe) -> Head:
    """Build a subject: warp, vessels, lesion, textures, relaxation times.

    Args:
        recipe: Its numbers.
    """
    base = template(recipe.spacing) if recipe.labels is None else labelled(Path(recipe.labels), recipe.spacing)
    anatomy: Anatomy = of_subject(base, recipe.draws("anatomy"), recipe.spacing)
    if recipe.labels is None:  # label maps of whole heads have vessels of their own
        anatomy = with_vessels(anatomy, recipe.spacing, recipe.draws("vessels"))
    draw = recipe.draws("lesion")
    kinds = site(recipe.site).lesions
    anatomy = LESIONS[kinds[int(draw.integers(len(kinds)))]](anatomy, recipe.spacing, draw)
    texture = recipe.draws("texture")
    fine, broad = (smooth_field(anatomy.shape, length / recipe.spacing, texture) for length in (4.0, 15.0))
    factors = {name: float(np.exp(texture.normal(0, SPREAD))) for name in tissue_names()}
    second = (0.7 * fine + 0.5 * broad).astype(np.float32)
    return Head(anatomy, second, factors, recipe.spacing, recipe.labels is not None, traits_of(recipe))


def traits_of(recipe: Recipe) -> Traits:
    """Draw what sets a subject's CT and PET apart.

    Args:
        recipe: Its numbers.
    """
    age, _ = person_of(recipe)
    return draw_traits(age, recipe.draws("traits"))


def person_of(recipe: Recipe) -> tuple[int, str]:
    """Draw age in years and sex.

    Example:
        >>> person_of(Recipe(0, 0, "A", 2.0)) == person_of(Recipe(0, 0, "A", 2.0))
        True
    """
    draw = recipe.draws("person")
    return int(draw.integers(22, 82)), str(draw.choice(["F", "M"]))


def protocols_of(recipe: Recipe, contrasts: Sequence[str] | None = None) -> dict[str, Protocol]:
    """Draw which images a subject has and how each is made.

    Args:
        recipe: Its numbers.
        contrasts: Modalities asked for instead of those of its site.
    """
    here, draw = site(recipe.site), recipe.draws("coverage")
    age, sex = person_of(recipe)
    facts = {"voxel_size_mm": (recipe.spacing,) * 3, "age_years": float(age), "sex": sex}
    chosen = here.coverage(draw, contrasts)
    made = {name: here.protocol(name, recipe.draws(f"protocol {name}"), vary=recipe.vary) for name in chosen}
    return {n: replace(p, acquisition=_with(p.acquisition, facts)) for n, p in made.items()}


def noise_of(recipe: Recipe, acquisition: Acquisition) -> np.random.Generator:
    """Make the generator of what an instrument adds to one image: shading, gain, noise.

    Args:
        recipe: Its subject's numbers.
        acquisition: How it is made.
    """
    told = ", ".join(f"{name}={getattr(acquisition, name)!r}" for name in _NOISE_BY)
    return recipe.draws(f"noise Acquisition({told})")


def _with(acquisition: Acquisition, facts: dict[str, Any]) -> Acquisition:
    return replace(acquisition, **facts)
