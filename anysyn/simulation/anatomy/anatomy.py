"""A simulated head: how much of each tissue every voxel holds, and all else that its images depend on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from anysyn.data.geometry.grid import Grid, resample
from anysyn.simulation.anatomy.traits import Traits
from anysyn.simulation.anatomy.warp import Map, smooth_field, warped

SHARPNESS = 3.0  # power that turns the averaged probabilities of the template back into nearly pure tissue
OUTSIDE = ("bone", "marrow", "soft", "fat", "blood", "vitreous", "nerve")  # tissues that are no brain


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Tissues of a head.

    Args:
        fractions: By tissue, (X, Y, Z) float32 from 0 to 1; with air they sum to 1.
        texture: (X, Y, Z) float32, about -1 to 1: how far myelin and iron shift relaxation from the tissue's mean.
        affine: (4, 4), voxel to world in mm.
        masks: By lesion part, (X, Y, Z) float32 from 0 to 1.
    """

    fractions: Mapping[str, Map]
    texture: Map
    affine: NDArray[np.float64]
    masks: Mapping[str, Map]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Return the voxel counts."""
        x, y, z = self.texture.shape
        return x, y, z

    @property
    def brain(self) -> NDArray[np.bool_]:
        """Return the mask of the voxels that are mostly brain or its fluid."""
        outside = sum(self.fractions.get(name, 0 * self.texture) for name in OUTSIDE)
        return np.asarray(sum(self.fractions.values()) - outside > 0.5)


@dataclass(frozen=True, eq=False)
class Head:
    """Tissues, textures and traits of a subject.

    Args:
        anatomy: Its tissues.
        second: (X, Y, Z) float32, a texture of T2, independent of that of T1.
        factors: By tissue, the factor of this subject's relaxation times.
        spacing: Voxel size in mm.
        whole: Whether there is a whole head, not the brain alone; then nothing is cut out and the air has noise.
        traits: What its CT and PET alone depend on.
        in_vivo: Where T2 of grey and white matter lies between its reports: 0 of excised tissue, 1 in vivo.
    """

    anatomy: Anatomy
    second: Map
    factors: Mapping[str, float]
    spacing: float
    whole: bool
    traits: Traits = field(default_factory=Traits)
    in_vivo: float = 0.0


@lru_cache(maxsize=2)
def template(spacing: float) -> Anatomy:
    """Return the ICBM152 average head that nilearn ships, brain only, at a voxel size.

    Cerebrospinal fluid is what the brain mask holds beside grey and white matter. The deep nuclei, which the template's
    maps split between grey and white, are the darker part of what is mixed in the middle of the brain. What the
    template's T1-weighted image shows beyond the mixture of tissues becomes the texture. Voxels have ``spacing`` in mm.
    """
    from nilearn import datasets

    loaders = ("load_mni152_template", "load_mni152_gm_template", "load_mni152_wm_template", "load_mni152_brain_mask")
    images = [getattr(datasets, name)(resolution=1) for name in loaders]
    grid = Grid(images[0].shape, np.asarray(images[0].affine, dtype=np.float64))
    onto = coarser(grid, spacing)
    t1, grey, white, inside = (moved(np.asarray(image.get_fdata()), grid, onto) for image in images)
    fluid = np.clip(inside - grey - white, 0, 1)
    parts = np.stack([grey, white, fluid]).clip(0) ** SHARPNESS
    parts *= inside / np.maximum(parts.sum(0), 1e-6)
    return _with_deep(dict(zip(("grey", "white", "fluid"), parts.astype(np.float32), strict=True)), t1, onto.affine)


def _with_deep(fractions: dict[str, Map], t1: Map, affine: NDArray[np.float64]) -> Anatomy:
    levels = {n: float(np.average(t1, weights=f**4)) for n, f in fractions.items()}
    mixture = sum(levels[name] * part for name, part in fractions.items())
    texture = (t1 - mixture) / max(levels["white"] - levels["grey"], 1e-6)
    inside = sum(fractions.values()) > 0.9
    texture = np.where(inside, np.clip(ndimage.gaussian_filter(texture, 0.7), -1, 1), 0)
    voxels = np.stack(np.meshgrid(*(np.arange(n) for n in t1.shape), indexing="ij"), -1)
    world = voxels @ affine[:3, :3].T + affine[:3, 3]
    # The basal ganglia and the thalami lie within this ellipsoid of MNI space, in mm.
    middle = (world[..., 0] / 34) ** 2 + ((world[..., 1] + 6) / 30) ** 2 + ((world[..., 2] - 6) / 18) ** 2 < 1
    inner = ndimage.gaussian_filter(middle.astype(np.float32), 1.0)
    moved = fractions["grey"] * inner
    fractions = {**fractions, "grey": fractions["grey"] - moved, "deep": moved}
    return Anatomy(fractions, texture.astype(np.float32), affine, {})


def moved(image: NDArray[Any], grid: Grid, onto: Grid) -> Map:
    """Interpolate the map (X, Y, Z) of a tissue onto another grid; a larger voxel gets the mean of what it covers."""
    return resample(torch.from_numpy(image.astype(np.float32)), grid, onto).numpy()


def coarser(grid: Grid, spacing: float) -> Grid:
    """Return the grid of another voxel size, ``spacing`` in mm, that covers a grid."""
    scale = spacing / np.asarray(grid.spacing)
    shape = tuple(int(np.ceil(n / s)) for n, s in zip(grid.shape, scale, strict=True))
    step = np.diag([*scale, 1.0])
    step[:3, 3] = (scale - 1) / 2  # the first new voxel is centred on the old ones that it covers
    return Grid(shape, grid.affine @ step)  # type: ignore[arg-type]


def of_subject(anatomy: Anatomy, generator: np.random.Generator, spacing: float) -> Anatomy:
    """Warp the anatomy of a template or a label map into a subject's, with a texture of its own (``spacing`` in mm)."""
    bend = warped(anatomy.shape, spacing, generator)
    fractions = {name: bend(part) for name, part in anatomy.fractions.items()}
    own = smooth_field(anatomy.shape, 10.0 / spacing, generator)
    masks = {name: bend(mask) for name, mask in anatomy.masks.items()}
    return replace(anatomy, fractions=fractions, texture=bend(anatomy.texture) + 0.25 * own, masks=masks)
