"""The anatomy of a whole head from a label map."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from anysyn.data.errors import VolumeError
from anysyn.data.geometry.grid import Grid
from anysyn.data.volumes.volume import read_volume
from anysyn.simulation.anatomy.anatomy import Anatomy, coarser, moved
from anysyn.simulation.anatomy.warp import Map
from anysyn.simulation.constants import read_table

Labels = NDArray[np.int64]

CORTEX = ((1000, 3000), (11100, 13000))  # FreeSurfer's numbers for the parcels of the cortex
MARGIN_MM = 15.0  # of air round the map, so that a warp pushes nothing out of it
FAT_MM = {"skin": 7.0, "eyes": 15.0}  # depth of the fat below the skin and round the eyes
SKIN = (511, 911)
BRAIN = ("grey", "white", "deep", "fluid")  # every anatomy has a map of these, if only of zeros


def tissue_of() -> Mapping[int, str]:
    """Return the tissue of every label number.

    Example:
        >>> tissue_of()[2], tissue_of()[515]
        ('white', 'bone')
    """
    numbers = {number: name for name, listed in read_table("labels.yaml").items() for number in listed}
    return numbers | {number: "grey" for low, high in CORTEX for number in range(low, high)}


def read_labels(path: Path) -> tuple[Labels, Grid]:
    """Read a label map, its axes turned to right, anterior, superior.

    Returns:
        (X, Y, Z) numbers, and their grid.

    Raises:
        VolumeError: If the file cannot be used, or holds numbers that labels.yaml does not list.
    """
    volume = read_volume(path)
    labels = np.rint(volume.voxels.numpy()).astype(np.int64)
    unknown = sorted(set(np.unique(labels).tolist()) - tissue_of().keys())
    if unknown:
        listed = ", ".join(map(str, unknown[:8])) + (", ..." if len(unknown) > 8 else "")
        raise VolumeError(
            f"{path}: labels {listed} are no tissue of simulation/constants/labels.yaml; relabel them, 0 being air"
        )
    turns = nib.orientations.io_orientation(volume.affine)
    turned = nib.orientations.apply_orientation(labels, turns)
    affine = volume.affine @ nib.orientations.inv_ornt_aff(turns, labels.shape)
    return turned, Grid(turned.shape, affine)


def labelled(path: Path, spacing: float) -> Anatomy:
    """Read a label map as the anatomy of a whole head.

    A tissue is 1 at its labels and 0 elsewhere, averaged to the voxel size. Unnamed voxels between skin, muscle and
    bone become fat near the skin and the eyes, and muscle deeper. Lesions of the map become masks.

    Args:
        path: NIfTI of labels with the numbers of labels.yaml.
        spacing: Voxel size in mm.

    Raises:
        VolumeError: If the file cannot be used.
    """
    labels, grid = read_labels(path)
    onto = _with_margin(coarser(grid, spacing))
    labels_of: dict[str, list[int]] = {}
    for number in np.unique(labels).tolist():
        labels_of.setdefault(tissue_of()[number], []).append(number)
    parts = {name: _share(np.isin(labels, numbers), grid, onto) for name, numbers in labels_of.items() if name != "air"}
    none = np.zeros(onto.shape, dtype=np.float32)
    skin = _share(np.isin(labels, SKIN), grid, onto)
    parts = dict.fromkeys(BRAIN, none) | _named(parts, skin, spacing)
    masks = {name: parts[name] for name in ("hyperintensity",) if name in parts}
    return Anatomy(parts, none, onto.affine, masks)


def _share(there: NDArray[np.bool_], grid: Grid, onto: Grid) -> Map:
    """Return the share of a tissue in every new voxel, computed only near the tissue."""
    if not there.any():
        return np.zeros(onto.shape, dtype=np.float32)
    reach = np.ceil(4 * np.asarray(onto.spacing) / np.asarray(grid.spacing)).astype(int)  # of the new voxels' spread
    box = ndimage.find_objects(there.astype(np.int8))[0]
    starts = np.maximum([side.start for side in box] - reach, 0)
    part = there[tuple(slice(a, side.stop + n) for a, side, n in zip(starts, box, reach, strict=True))]
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ starts
    x, y, z = part.shape
    return moved(part, Grid((x, y, z), affine), onto)


def _with_margin(grid: Grid) -> Grid:
    margin = np.ceil(MARGIN_MM / np.asarray(grid.spacing)).astype(int)
    x, y, z = (np.asarray(grid.shape) + 2 * margin).tolist()
    affine = grid.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ margin
    return Grid((x, y, z), affine)


def _named(parts: Mapping[str, Map], skin: Map, spacing: float) -> dict[str, Map]:
    """Turn unnamed voxels into fat near the skin and the eyes, and into muscle deeper."""
    if "other" not in parts:
        return dict(parts)
    other, eyes = parts["other"], parts.get("vitreous", np.zeros_like(skin))
    fatty = np.maximum(_near(skin, FAT_MM["skin"], spacing), _near(eyes, FAT_MM["eyes"], spacing))
    named = {"fat": other * fatty, "soft": parts.get("soft", 0) + other * (1 - fatty)}
    return {name: part for name, part in parts.items() if name != "other"} | named


def _near(part: Map, reach: float, spacing: float) -> Map:
    """Return 1 within a distance in mm of a tissue, 0 beyond, with an edge of a voxel; all 0 if there is no tissue."""
    there = part > 0.5
    if not there.any():
        return np.zeros_like(part)
    distance = ndimage.distance_transform_edt(~there) * spacing
    return np.asarray(np.clip((reach - distance) / spacing + 0.5, 0, 1), dtype=np.float32)
