"""Traits of a person that CT and PET show and MRI does not."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# Share of amyloid positives at 60 years, and by how much its logit grows in a year: patients with mild cognitive
# impairment, Jansen et al., JAMA 313:1924 (2015), from memory.
POSITIVE_AT_60, POSITIVE_GROWTH = 0.37, 0.045
YOUNGEST = 40  # years; nobody below has amyloid


@dataclass(frozen=True)
class Traits:
    """Properties of a person that CT and PET depend on beside the tissues.

    Args:
        haematocrit: Share of cells in blood; a CT shows it in the veins.
        calcium: HU that calcium adds to the choroid plexus where it lies.
        water: HU by which grey and white matter differ from the mean.
        metabolism: Factor of every uptake of FDG: blood sugar, body composition.
        binding: Factor of the unspecific uptake of AV45.
        amyloid: SUVR that amyloid adds to the cortex; 0 if the person is negative.
        seed: Seed of the fields that make the uptake differ between places.
    """

    haematocrit: float = 0.42
    calcium: float = 0.0
    water: tuple[float, float] = (0.0, 0.0)
    metabolism: float = 1.0
    binding: float = 1.0
    amyloid: float = 0.0
    seed: int = 0


def draw_traits(age: float, generator: np.random.Generator) -> Traits:
    """Draw the traits of a person.

    Args:
        age: In years; the chance of amyloid and of calcium grows with it.
        generator: Draws them.

    Example:
        >>> draw_traits(25.0, np.random.default_rng(0)).amyloid
        0.0
    """
    chance, load, calcified = generator.random(), generator.uniform(0.35, 0.85), generator.random()
    positive = age >= YOUNGEST and chance < positive_share(age)
    return Traits(
        haematocrit=float(np.clip(generator.normal(0.42, 0.04), 0.3, 0.55)),
        calcium=float(generator.uniform(60, 220)) if calcified < age / 100 else 0.0,
        water=(float(generator.normal(0, 0.7)), float(generator.normal(0, 0.7))),
        metabolism=float(np.exp(generator.normal(0, 0.15))),
        binding=float(np.exp(generator.normal(0, 0.08))),
        amyloid=float(load) if positive else 0.0,
        seed=int(generator.integers(2**31)),
    )


def positive_share(age: float) -> float:
    """Return the share of people of an age who are amyloid positive.

    Example:
        >>> round(positive_share(60), 2), positive_share(80) > 0.5
        (0.37, True)
    """
    logit = math.log(POSITIVE_AT_60 / (1 - POSITIVE_AT_60)) + POSITIVE_GROWTH * (age - 60)
    return 1 / (1 + math.exp(-logit))
