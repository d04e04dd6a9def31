"""Lesions: white-matter hyperintensities, a glioma, an acute infarct, each with its masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from anysyn.simulation.anatomy.anatomy import Anatomy
from anysyn.simulation.anatomy.warp import Map, smooth_field

Lesion = Callable[[Anatomy, float, np.random.Generator], Anatomy]  # with voxels in mm; draws number, place and size


def hyperintensities(anatomy: Anatomy, spacing: float, generator: np.random.Generator) -> Anatomy:
    """Add white-matter hyperintensities: small blobs, most of them beside the ventricles."""
    white = anatomy.fractions["white"]
    depth = ndimage.distance_transform_edt(anatomy.brain) * spacing
    fluid = ndimage.distance_transform_edt(anatomy.fractions["fluid"] < 0.5) * spacing
    chance = (white > 0.6) * (depth > 12) * (np.exp(-fluid / 5) + 0.05)
    amount = np.zeros(anatomy.shape, dtype=np.float32)
    for _ in range(int(generator.integers(8, 28))):
        radius = float(generator.lognormal(np.log(3.2), 0.45))
        amount = np.maximum(amount, _blob(anatomy, _draw(chance, generator), radius, spacing, generator))
    return _replace(anatomy, {"hyperintensity": amount * (white > 0.25)})


def glioma(anatomy: Anatomy, spacing: float, generator: np.random.Generator) -> Anatomy:
    """Add a high-grade glioma: a necrotic core, an enhancing rim round it, oedema along the white matter."""
    depth = ndimage.distance_transform_edt(anatomy.brain) * spacing
    place = _draw((anatomy.fractions["white"] > 0.5) * (depth > 14), generator)
    radius = float(generator.uniform(9, 17))
    core = _blob(anatomy, place, radius * float(generator.uniform(0.5, 0.75)), spacing, generator)
    tumour = np.maximum(core, _blob(anatomy, place, radius, spacing, generator))
    swollen = _blob(anatomy, place, radius * float(generator.uniform(1.5, 2.1)), spacing, generator, border=8.0)
    along = np.clip(anatomy.fractions["white"] + 0.1, 0, 1)
    oedema = np.clip(swollen * along - tumour, 0, 1)
    return _replace(anatomy, {"oedema": oedema, "rim": np.clip(tumour - core, 0, 1), "core": core})


def infarct(anatomy: Anatomy, spacing: float, generator: np.random.Generator) -> Anatomy:
    """Add an acute infarct: a part of the cortex and the white matter under it, on one side."""
    depth = ndimage.distance_transform_edt(anatomy.brain) * spacing
    place = _draw((anatomy.fractions["grey"] > 0.5) * (depth > 6), generator)
    region = _blob(anatomy, place, float(generator.uniform(9, 20)), spacing, generator)
    return _replace(anatomy, {"infarct": region})


LESIONS: Mapping[str, Lesion] = {"hyperintensities": hyperintensities, "glioma": glioma, "infarct": infarct}


def _draw(chance: NDArray[np.floating], generator: np.random.Generator) -> NDArray[np.intp]:
    flat = np.cumsum(chance.ravel(), dtype=np.float64)
    at = np.searchsorted(flat, generator.random() * flat[-1], side="right")
    return np.asarray(np.unravel_index(min(at, chance.size - 1), chance.shape))


def _blob(
    anatomy: Anatomy,
    place: NDArray[np.intp],
    radius: float,
    spacing: float,
    generator: np.random.Generator,
    *,
    border: float = 0.0,
) -> Map:
    """Draw an uneven ball, 0 to 1, over whose border (in mm, at least a voxel) it falls off."""
    reach = int(np.ceil((2 * radius + border) / spacing)) + 2
    box = tuple(slice(max(0, p - reach), min(n, p + reach + 1)) for p, n in zip(place, anatomy.shape, strict=True))
    places = np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij", sparse=True)
    squared = sum(((x - p) * spacing) ** 2 for x, p in zip(places, place, strict=True))
    x, y, z = (s.stop - s.start for s in box)
    broad, fine = (smooth_field((x, y, z), max(1.0, share * radius / spacing), generator) for share in (0.5, 0.2))
    distance = radius * (1 + 0.2 * broad + 0.1 * fine) - np.sqrt(squared)
    out = np.zeros(anatomy.shape, dtype=np.float32)
    out[box] = np.clip(distance / max(border, spacing) + 0.5, 0, 1)
    return out


def _replace(anatomy: Anatomy, parts: Mapping[str, Map]) -> Anatomy:
    """Put lesion tissue in the place of grey, white and deep tissue; fluid stays."""
    fractions = {name: np.array(part) for name, part in anatomy.fractions.items()}
    solid = sum(fractions[name] for name in ("grey", "white", "deep"))
    masks = dict(anatomy.masks)
    for name, amount in parts.items():
        taken = np.asarray(amount * solid, dtype=np.float32)
        fractions[name] = fractions.get(name, 0) + taken  # a label map may hold some already
        masks[name] = fractions[name]
    left = np.clip(1 - sum(parts.values()), 0, 1)
    for name in ("grey", "white", "deep"):
        fractions[name] = fractions[name] * left
    return replace(anatomy, fractions=fractions, masks=masks)
