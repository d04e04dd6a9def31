"""Anatomy: how much of each tissue every voxel holds, different for each subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from anysyn.data.grid import Grid, resample
from anysyn.data.volume import read_volume
from anysyn.simulation.warp import smooth_field, warped

Map = NDArray[np.float32]

SHARPNESS = 3.0  # power that turns the averaged probabilities of the template back into nearly pure tissue
# Tissues of a label map, by FreeSurfer's numbers; the unnamed extra-cerebral classes are 500 and above.
LABELS: Mapping[str, tuple[int, ...]] = {
    "grey": (3, 42, 8, 47, 17, 53, 18, 54),
    "white": (2, 41, 7, 46, 16, 28, 60, 77, 85),
    "fluid": (4, 43, 5, 44, 14, 15, 24, 30, 62, 72),
    "deep": (10, 49, 11, 50, 12, 51, 13, 52, 26, 58),
}
OUTER = ("soft", "bone", "fat")


@dataclass(frozen=True, eq=False)
class Anatomy:
    """Hold the tissues of a head.

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
        """Return where most of a voxel is brain or its fluid."""
        outside = sum(self.fractions.get(name, 0 * self.texture) for name in ("bone", "soft", "fat"))
        return np.asarray(sum(self.fractions.values()) - outside > 0.5)


@lru_cache(maxsize=2)
def template(spacing: float) -> Anatomy:
    """Return the ICBM152 average head that nilearn ships, brain only, at a voxel size.

    Cerebrospinal fluid is what the brain mask holds beside grey and white matter. The deep nuclei, which the template's
    maps split between grey and white, are the darker part of what is mixed in the middle of the brain. What the
    template's T1-weighted image shows beyond the mixture of tissues becomes the texture.

    Args:
        spacing: Voxel size in mm.
    """
    from nilearn import datasets

    loaders = ("load_mni152_template", "load_mni152_gm_template", "load_mni152_wm_template", "load_mni152_brain_mask")
    images = [getattr(datasets, name)(resolution=1) for name in loaders]
    grid = Grid(images[0].shape, np.asarray(images[0].affine, dtype=np.float64))
    onto = _coarser(grid, spacing)
    t1, grey, white, inside = (_moved(np.asarray(image.get_fdata()), grid, onto) for image in images)
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


def labelled(path: Path, spacing: float) -> Anatomy:
    """Read a label map with FreeSurfer numbers as an anatomy, the whole head.

    Each tissue is one where its labels are, averaged to the voxel size; the unnamed classes of 500 and above become
    soft tissue, bone and fat in turn, as a number of one map is the same tissue all over.

    Args:
        path: NIfTI of labels.
        spacing: Voxel size in mm.

    Raises:
        VolumeError: If the file cannot be used.
    """
    volume = read_volume(path)
    labels = np.rint(volume.voxels.numpy()).astype(np.int32)
    extra = sorted(int(label) for label in np.unique(labels) if label >= 500)
    outer = {name: tuple(extra[i :: len(OUTER)]) for i, name in enumerate(OUTER)}
    grid = Grid(volume.shape, volume.affine)
    onto = _coarser(grid, spacing)
    tissues = {**LABELS, **outer}
    fractions = {name: _moved(np.isin(labels, numbers), grid, onto) for name, numbers in tissues.items()}
    return Anatomy(fractions, np.zeros(onto.shape, dtype=np.float32), onto.affine, {})


def _moved(image: NDArray[Any], grid: Grid, onto: Grid) -> Map:
    return resample(torch.from_numpy(image.astype(np.float32)), grid, onto).numpy()


def _coarser(grid: Grid, spacing: float) -> Grid:
    scale = spacing / np.asarray(grid.spacing)
    shape = tuple(int(np.ceil(n / s)) for n, s in zip(grid.shape, scale, strict=True))
    step = np.diag([*scale, 1.0])
    step[:3, 3] = (scale - 1) / 2  # the first new voxel is centred on the old ones that it covers
    return Grid(shape, grid.affine @ step)  # type: ignore[arg-type]


def of_subject(anatomy: Anatomy, generator: np.random.Generator, spacing: float) -> Anatomy:
    """Bend an anatomy into that of one subject and give its tissues a texture of their own.

    Args:
        anatomy: Of the template or of a label map.
        generator: Draws the subject.
        spacing: Voxel size in mm.
    """
    bend = warped(anatomy.shape, spacing, generator)
    fractions = {name: bend(part) for name, part in anatomy.fractions.items()}
    own = smooth_field(anatomy.shape, 10.0 / spacing, generator)
    return replace(anatomy, fractions=fractions, texture=bend(anatomy.texture) + 0.25 * own)
