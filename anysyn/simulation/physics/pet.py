"""PET images of a simulated head."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from anysyn.acquisition import Acquisition
from anysyn.data.modalities import tracer_of
from anysyn.simulation.anatomy.anatomy import Head
from anysyn.simulation.anatomy.regions import pattern
from anysyn.simulation.anatomy.warp import Map, smooth_field
from anysyn.simulation.physics.instruments import FWHM, blur, constant, powers
from anysyn.simulation.physics.limits import needed
from anysyn.simulation.physics.tissues import tissue

USUAL = {"FDG": 45.0, "AV45": 50.0}  # minutes from injection to scan at which tissues.yaml holds
# MBq s minutes of the scan at which the noise of instruments.yaml holds, and the uptake there
USUAL_COUNTS, USUAL_UPTAKE = (250.0, 900.0, 45.0), 8.0
LARGEST_LOAD = 0.85  # SUVR of amyloid at which the disease of regions.yaml is complete
REGION, LOCAL, LOCAL_MM = 0.05, 0.06, 18.0  # spread of the uptake between regions and, over a length, between places
DEPOSITS = {"grey": 1.0, "deep": 0.5}  # share of the cortex's amyloid that tissues hold


def pet(head: Head, acquisition: Acquisition, generator: np.random.Generator | None) -> Map:
    """Simulate a PET.

    Args:
        head: The head.
        acquisition: Modality, dose, uptake time, duration and reconstruction are needed.
        generator: Draws the noise; with None there is none.

    Returns:
        (X, Y, Z), of FDG in SUV, of AV45 in SUVR.
    """
    how = blur("reconstruction", str(acquisition.reconstruction))
    sigma = how.fwhm / FWHM / head.spacing
    seen = np.asarray(ndimage.gaussian_filter(uptake(head, acquisition), sigma), dtype=np.float32)
    if generator is None:
        return seen
    level = np.float32(seen[head.anatomy.brain].mean())
    spread = np.sqrt(level if how.even else np.maximum(seen, 0.02 * level))
    white = ndimage.gaussian_filter(generator.standard_normal(seen.shape, dtype=np.float32), 0.8 * sigma)
    noisy = seen + np.float32(how.noise * noise_of_counts(acquisition)) * spread * (white / white.std())
    return np.asarray(noisy, dtype=np.float32).clip(0)


def uptake(head: Head, acquisition: Acquisition) -> Map:
    """Return the uptake before the scanner blurs it; of the acquisition, modality and uptake time are needed."""
    tracer, own = str(tracer_of(str(acquisition.modality))), head.traits
    power = powers("pet", "by_time", tracer)
    later = needed(acquisition, "uptake_time_min") / USUAL[tracer]
    deposit = _amyloid(head) if tracer == "AV45" and own.amyloid else np.float32(0)
    activity = _metabolism(head) if tracer == "FDG" else np.float32(1)
    total = np.zeros(head.anatomy.shape, dtype=np.float32)
    for name, part in head.anatomy.fractions.items():
        mean = getattr(tissue(name, 3.0), tracer.lower()) * later ** power.get(name, 0.0)
        scale = own.metabolism if tracer == "FDG" else own.binding if name == "white" else 1.0
        total += part * (np.float32(mean * scale) * activity + np.float32(DEPOSITS.get(name, 0.0)) * deposit)
    return total


def noise_of_counts(acquisition: Acquisition) -> float:
    """Return the noise where the uptake is 1; it grows with the root of the uptake, as counts do.

    Example:
        >>> scans = [Acquisition(dose_mbq=d, uptake_time_min=45.0, frame_duration_s=900.0) for d in (250.0, 62.5)]
        >>> [round(noise_of_counts(scan), 4) for scan in scans]
        [0.1273, 0.2546]
    """
    fields = ("dose_mbq", "frame_duration_s", "uptake_time_min")
    dose, seconds, minutes = (needed(acquisition, name) for name in fields)
    counts, usual = _counts(dose, seconds, minutes), _counts(*USUAL_COUNTS)
    return constant("pet", "noise") * math.sqrt(USUAL_UPTAKE * usual / counts)


def _counts(dose: float, seconds: float, minutes: float) -> float:
    return dose * seconds * math.pow(0.5, minutes / constant("pet", "half_life_min"))


def _metabolism(head: Head) -> Map:
    """Return how active each place is: by region, by disease, and by a field of the person's own."""
    draw, brain = np.random.default_rng(head.traits.seed), head.anatomy.brain
    regions = pattern(brain, "fdg", REGION, draw)
    if head.traits.amyloid:
        regions += pattern(brain, "disease") * np.float32(head.traits.amyloid / LARGEST_LOAD)
    local = smooth_field(head.anatomy.shape, LOCAL_MM / head.spacing, draw)
    return np.asarray((1 + regions) * np.exp(LOCAL * (local + head.second)), dtype=np.float32).clip(0.2)


def _amyloid(head: Head) -> Map:
    draw, brain = np.random.default_rng([head.traits.seed, 1]), head.anatomy.brain
    where = 1 + pattern(brain, "amyloid", 3 * REGION, draw)
    return np.asarray(head.traits.amyloid * where.clip(0), dtype=np.float32)
