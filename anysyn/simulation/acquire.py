"""The image that a protocol gives of a simulated head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from anysyn.acquisition import Acquisition
from anysyn.data.modalities import modality
from anysyn.simulation.anatomy.anatomy import Head
from anysyn.simulation.anatomy.warp import Map, smooth_field
from anysyn.simulation.centres import ScanProtocol
from anysyn.simulation.physics import signal
from anysyn.simulation.physics.ct import ct
from anysyn.simulation.physics.instruments import FWHM
from anysyn.simulation.physics.limits import check_acquisition, needed
from anysyn.simulation.physics.pet import pet
from anysyn.simulation.physics.tissues import AIR_HU, relaxivities, t2_between, tissue

TEXTURE = {"t1": 0.12, "t2": 0.06, "pd": 0.02, "adc": 0.05}  # share by which a texture of 1 changes a property
NOISE = 0.012  # of the image's bright end, in each channel
BIAS = 0.05  # standard deviation of the logarithm of the coil's residual shading
BIAS_MM = 45.0
SMALL_ANGLE = 70.0  # degrees; a flip angle below it means a gradient echo
FATTY = ("fat", "marrow")
FAT_LEFT = 0.05  # share of the signal of fat that its suppression leaves; echo-planar diffusion images need it
WATERY = ("fluid", "vitreous")  # the same everywhere, so that texture hardly shows


def acquire(head: Head, protocol: ScanProtocol, *, scale: float, generator: np.random.Generator | None) -> Map:
    """Simulate the image of a head.

    Each tissue's signal is mixed by its share of the voxel, blurred to the slice thickness, shaded, and scaled so that
    its bright end is at ``scale``; then noise is added. CT (`ct`) is in HU, PET (`pet`) in SUV or SUVR, ADC in 1e-6
    mm^2/s, and none of these is scaled.

    Args:
        head: The head.
        protocol: Settings of the scan.
        scale: About the largest intensity of an MR image.
        generator: Draws shading, gain and noise; with None there is none of them, which is the truth.

    Returns:
        (X, Y, Z) float32.

    Raises:
        UserError: If the acquisition lacks a number that its sequence needs, or gives one that no scanner does.
    """
    name = protocol.acquisition.modality or ""
    family = modality(name).family
    check_acquisition(protocol.acquisition)
    if family == "CT":
        image = ct(head, protocol.acquisition, protocol.thickness_mm, generator)
    elif family == "PET":
        image = pet(head, protocol.acquisition, generator)
    elif name == "ADC":
        image = _adc(head, protocol, generator)
    else:
        image = _mri(head, protocol, scale, generator)
    if head.whole:
        return image
    brain, outside = head.anatomy.brain, AIR_HU if family == "CT" else 0.0
    inside = brain if family == "MRI" else ndimage.binary_fill_holes(brain)  # there is no air within a brain
    return np.where(inside, image, outside).astype(np.float32)


def mixed_signal(head: Head, acquisition: Acquisition, *, b: float | None = None) -> Map:
    """Mix the signals of the tissues, before anything that an instrument adds.

    ``b`` is the diffusion weighting in s/mm^2; that of the acquisition by default.
    """
    inside = np.asarray(sum(head.anatomy.fractions.values())) > 1e-3
    image = np.zeros(head.anatomy.shape, dtype=np.float32)
    total = np.zeros(int(inside.sum()), dtype=np.float32)
    textures = head.anatomy.texture[inside], head.second[inside]
    for name, part in head.anatomy.fractions.items():
        share = part[inside]
        some = share > 1e-4
        properties = _properties(name, head, acquisition, *(t[some] for t in textures))
        total[some] += share[some] * _sequence(properties, acquisition, b)
    image[inside] = total
    return image


@dataclass(frozen=True, eq=False)
class _Properties:
    t1: signal.Map
    t2: signal.Map
    t2star: signal.Map
    pd: signal.Map
    adc: signal.Map


def _properties(name: str, head: Head, acquisition: Acquisition, first: Map, second: Map) -> _Properties:
    mean, factor = tissue(name, acquisition.field_strength_t or 3.0), head.factors.get(name, 1.0)
    calm = 0.3 if name in WATERY else 1.0
    t1 = mean.t1 * factor * np.exp(-TEXTURE["t1"] * calm * first)
    middle = t2_between(mean, head.in_vivo)  # T2* has one report: it does not follow
    t2 = middle * factor * np.exp(TEXTURE["t2"] * calm * second)
    if acquisition.modality == "T1c":
        r1, r2 = relaxivities()
        t1, t2 = signal.with_gadolinium(t1, t2, mean.gadolinium, r1=r1, r2=r2)
    pd = mean.pd * np.exp(-TEXTURE["pd"] * calm * first)
    if name in FATTY and acquisition.modality in ("DWI", "ADC"):
        pd = pd * FAT_LEFT
    adc = mean.adc * np.exp(TEXTURE["adc"] * calm * second)
    return _Properties(t1, t2, mean.t2star * t2 / middle, pd, adc)


def _sequence(values: _Properties, acquisition: Acquisition, b: float | None) -> signal.Map:
    """Choose the sequence by what the acquisition gives.

    A flip angle below 70 degrees, or T2star, means a gradient echo: an MPRAGE for T1w and T1c with an inversion time,
    spoiled otherwise. Anything else is a spin echo, with an inversion time one that is prepared by inversion. DWI and
    ADC are spin echoes attenuated by diffusion.
    """
    tr, te = needed(acquisition, "repetition_time_ms"), needed(acquisition, "echo_time_ms")
    ti, fa = acquisition.inversion_time_ms, acquisition.flip_angle_deg
    if acquisition.modality in ("T1w", "T1c") and ti is not None and fa is not None and fa < SMALL_ANGLE:
        return signal.mprage(values.pd, values.t1, values.t2star, tr=tr, te=te, ti=ti, fa=fa)
    if acquisition.modality == "FLAIR" or ti is not None:
        ti = needed(acquisition, "inversion_time_ms")
        return signal.inversion_recovery(values.pd, values.t1, values.t2, tr=tr, te=te, ti=ti)
    if acquisition.modality == "T2star" or (fa is not None and fa < SMALL_ANGLE):
        fa = needed(acquisition, "flip_angle_deg")
        return signal.spoiled_gradient_echo(values.pd, values.t1, values.t2star, tr=tr, te=te, fa=fa)
    echo = signal.spin_echo(values.pd, values.t1, values.t2, tr=tr, te=te)
    if acquisition.modality not in ("DWI", "ADC"):
        return echo
    return signal.diffusion_weighted(echo, values.adc, needed(acquisition, "b_value") if b is None else b)


def _mri(head: Head, protocol: ScanProtocol, scale: float, generator: np.random.Generator | None) -> Map:
    image = _thick(mixed_signal(head, protocol.acquisition), protocol.thickness_mm, head.spacing)
    image *= scale / np.percentile(image[head.anatomy.brain], 99.5)
    if generator is None:
        return image
    shade = np.exp(BIAS * smooth_field(head.anatomy.shape, BIAS_MM / head.spacing, generator))
    gain = float(np.exp(generator.normal(0, 0.1)))
    return np.asarray(signal.rician(image * shade * gain, NOISE * scale, generator), dtype=np.float32)


def _adc(head: Head, protocol: ScanProtocol, generator: np.random.Generator | None) -> Map:
    """Fit the ADC to two images, one without and one with diffusion weighting: ``ln(S0 / Sb) / b``."""
    b = needed(protocol.acquisition, "b_value")
    pair = [
        _thick(mixed_signal(head, protocol.acquisition, b=x), protocol.thickness_mm, head.spacing) for x in (0.0, b)
    ]
    if generator is not None:
        sigma = NOISE / 4 * float(np.percentile(pair[0][head.anatomy.brain], 99.5))  # several averages
        pair = [np.asarray(signal.rician(image, sigma, generator), dtype=np.float32) for image in pair]
    seen = pair[0] > 0.05 * np.percentile(pair[0][head.anatomy.brain], 50)
    ratio = np.divide(pair[0], np.maximum(pair[1], 1e-9), out=np.ones_like(pair[0]), where=seen)
    return np.where(seen, np.clip(np.log(ratio) / b * 1e6, 0, 4000), 0).astype(np.float32)


def _thick(image: Map, thickness: float, spacing: float) -> Map:
    if thickness <= spacing:
        return image
    sigma = np.sqrt(thickness**2 - spacing**2) / FWHM / spacing
    return np.asarray(ndimage.gaussian_filter1d(image, sigma, axis=2), dtype=np.float32)
