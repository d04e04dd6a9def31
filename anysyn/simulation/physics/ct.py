"""CT images of a simulated head."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from anysyn.acquisition import Acquisition
from anysyn.simulation.anatomy.anatomy import Head
from anysyn.simulation.anatomy.warp import Map
from anysyn.simulation.physics.instruments import FWHM, Blur, blur, constant, powers
from anysyn.simulation.physics.limits import needed
from anysyn.simulation.physics.tissues import AIR_HU, tissue

USUAL_KVP, USUAL_MAS, USUAL_MM = 120.0, 300.0, 5.0  # at which the noise of instruments.yaml holds
HIGHEST_HU = 3071.0  # of 12 bits
CUPPING_MM = 12.0  # distance from the skull over which beam hardening brightens the brain, in standard deviations
TEXTURE_HU = 1.5
BLOODY = ("blood", "vein")
HU_OF_CELLS = 100.0  # a haematocrit higher by 0.01 adds about 1 HU to blood (from memory)
CALCIFIED = 0.6  # calcium lies in the plexus where the texture is above this
WATERY = ("grey", "deep"), ("white",)  # tissues that a person's two offsets belong to


def ct(head: Head, acquisition: Acquisition, thickness: float, generator: np.random.Generator | None) -> Map:
    """Simulate a CT.

    Args:
        head: The head.
        acquisition: Voltage, exposure and kernel are needed.
        thickness: Of the slices in mm.
        generator: Draws noise, calibration error and residual beam hardening; with None there is none of them.

    Returns:
        (X, Y, Z) in HU.
    """
    kvp, mas = needed(acquisition, "kvp"), needed(acquisition, "exposure_mas")
    kernel = blur("kernel", str(acquisition.kernel))
    image = _mixture(head, kvp)
    if generator is not None:
        image = image + _hardening(head, generator) * head.anatomy.brain
    image = _smoothed(image, (kernel.fwhm, kernel.fwhm, max(thickness, kernel.fwhm)), head.spacing)
    if generator is not None:
        image = image + noise_hu(kvp, mas, thickness, head.spacing, kernel) * _noise(head, thickness, generator)
    return np.asarray(image.clip(AIR_HU, HIGHEST_HU), dtype=np.float32)


def noise_hu(kvp: float, mas: float, thickness: float, spacing: float, kernel: Blur) -> float:
    """Return the standard deviation of the noise.

    ``sigma = sigma0 k sqrt(300 mAs / Q) (120 kV / U)^1.25 sqrt(5 mm / h)`` (Brooks and Di Chiro 1976, the power of the
    voltage from memory), and less where a voxel is an average over more than the kernel resolves.

    Args:
        kvp: Voltage in kV.
        mas: Exposure in mAs.
        thickness: Of the slices in mm.
        spacing: Voxel size in mm; thinner slices do not show.
        kernel: Its resolution and noise.

    Example:
        >>> [noise_hu(120, mas, 5, 1, blur("kernel", "H31s")) for mas in (300, 75)]
        [4.0, 8.0]
    """
    dose = math.sqrt(USUAL_MAS / mas) * math.pow(USUAL_KVP / kvp, constant("ct", "noise_by_kvp"))
    averaged = kernel.fwhm / max(kernel.fwhm, spacing)
    slices = math.sqrt(USUAL_MM / max(thickness, spacing))
    return constant("ct", "noise_hu") * kernel.noise * dose * slices * averaged


def _mixture(head: Head, kvp: float) -> Map:
    power, own = powers("ct", "by_kvp"), head.traits
    # Round a brain that is cut out there was fluid, not air, when it was scanned.
    outside = AIR_HU if head.whole else tissue("fluid", 3.0).hu
    image = np.full(head.anatomy.shape, outside, dtype=np.float32)
    for name, part in head.anatomy.fractions.items():
        hu = tissue(name, 3.0).hu + (HU_OF_CELLS * (own.haematocrit - 0.42) if name in BLOODY else 0.0)
        hu += sum(offset for offset, names in zip(own.water, WATERY, strict=True) if name in names)
        image += part * np.float32(hu * (USUAL_KVP / kvp) ** power.get(name, 0.0) - outside)
    if own.calcium and "choroid" in head.anatomy.fractions:
        calcified = head.anatomy.fractions["choroid"] * (head.second > CALCIFIED)
        image += calcified * np.float32(own.calcium * (USUAL_KVP / kvp) ** power["bone"])
    return np.asarray(image + TEXTURE_HU * head.second * head.anatomy.brain, dtype=np.float32)


def _hardening(head: Head, generator: np.random.Generator) -> Map:
    """Brighten the brain near the skull, and shift everything by an error of calibration."""
    depth = ndimage.gaussian_filter(head.anatomy.brain.astype(np.float32), CUPPING_MM / head.spacing)
    cup = constant("ct", "cupping_hu") * float(generator.uniform(0.3, 1.7))
    return np.asarray(2 * cup * (1 - depth) + constant("ct", "offset_hu") * generator.normal(), dtype=np.float32)


def _noise(head: Head, thickness: float, generator: np.random.Generator) -> Map:
    """Draw noise of standard deviation 1, constant through a slice; its grain is a voxel, above the kernel's."""
    white = generator.standard_normal(head.anatomy.shape, dtype=np.float32)
    grain = _smoothed(white, (1.2 * head.spacing, 1.2 * head.spacing, max(thickness, head.spacing)), head.spacing)
    return np.asarray(grain / grain.std(), dtype=np.float32)


def _smoothed(image: Map, fwhm: Sequence[float], spacing: float) -> Map:
    """Blur to a resolution; the voxel size already counts as a part of it."""
    sigma = [max(length**2 - spacing**2, 0.0) ** 0.5 / FWHM / spacing for length in fwhm]
    return np.asarray(ndimage.gaussian_filter(image, sigma, mode="nearest"), dtype=np.float32)
