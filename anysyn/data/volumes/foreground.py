"""The foreground of an image: the head or the body, without the air around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

AIR_HU = -500.0  # halfway between air and water
DARK = 0.1  # share of the robust range below which a voxel counts as dark (Smith, Hum Brain Mapp 2002)


def foreground(image: Tensor, family: str = "MRI") -> Tensor:
    """Segment the head or body in an image, holes filled.

    Air is below -500 HU in CT; in other modalities, within a tenth of the robust range (2nd to 98th percentile) of the
    2nd percentile. Dark regions that are closed in any plane, such as bone, belong to the body. An image whose
    background was set to one value (brain-extracted) has a sharp rim; there everything that differs from that value is
    foreground, including dark fluid. Components smaller than a tenth of the largest one are noise.

    Args:
        image: (X, Y, Z) float32, finite; a constant image is all foreground.
        family: ``"MRI"``, ``"CT"`` or ``"PET"``.

    Returns:
        (X, Y, Z) bool, never empty.

    Example:
        >>> image = torch.zeros(9, 9, 9)
        >>> image[2:7, 2:7, 2:7] = 100
        >>> image[4, 4, 4] = 0  # a ventricle
        >>> int(foreground(image).sum())
        125
    """
    voxels = image.numpy()
    lowest, highest = voxels.min(), voxels.max()
    if lowest == highest:
        return torch.ones(image.shape, dtype=torch.bool)
    with_air = family == "CT" and np.percentile(voxels, [2])[0] <= AIR_HU < highest
    cut_out = None if with_air else _cut_out(voxels)
    if cut_out is not None:
        return torch.from_numpy(_solid(cut_out, [(0, 1, 2)]))
    return torch.from_numpy(_solid(voxels > AIR_HU if with_air else _bright(voxels), [(0, 1), (0, 2), (1, 2)]))


def in_air(image: Tensor, family: str = "MRI") -> Tensor:
    """Return where an image may be air by its intensity alone, (X, Y, Z) bool.

    In CT this is below -500 HU. Elsewhere it is where the image has exactly the value of its background, the most
    frequent one on the faces of the image (0 in most MRI); where air is noise, that is few voxels or none.

    Example:
        >>> in_air(torch.tensor([-1000.0, 40.0]).reshape(2, 1, 1), "CT").flatten().tolist()
        [True, False]
    """
    if family == "CT" and bool((image <= AIR_HU).any()):
        return image <= AIR_HU
    return image == float(_background(image.numpy()))


def has_sharp_rim(image: Tensor) -> bool:
    """Tell whether the background of an image was set to one value around what it shows, as by brain extraction.

    Example:
        >>> image = torch.zeros(9, 9, 9)
        >>> image[2:7, 2:7, 2:7] = 100
        >>> has_sharp_rim(image)
        True
    """
    return _cut_out(image.numpy()) is not None


def _background(voxels: NDArray[np.float32]) -> np.float32:
    """Return the most frequent value on the faces of an image."""
    faces = np.concatenate([voxels.take(i, axis).ravel() for axis in range(3) for i in (0, -1)])
    values, counts = np.unique(faces, return_counts=True)
    return np.float32(values[counts.argmax()])


def _bright(voxels: NDArray[np.float32]) -> NDArray[np.bool_]:
    low, high = np.percentile(voxels, [2, 98])
    return np.asarray(np.abs(voxels - low) > DARK * (high - low))


def _cut_out(voxels: NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return what differs from a constant background, or None if there is none or it fades into noise."""
    background = _background(voxels)
    inside = voxels != background
    if not 0 < np.count_nonzero(inside) / inside.size < 0.95:
        return None
    box = _around(inside)
    rim = np.abs(voxels[box][_rim(inside[box])] - background)
    sharp = np.median(rim) > DARK * np.percentile(np.abs(voxels[inside] - background), 98)
    return inside if sharp else None


def _around(inside: NDArray[np.bool_]) -> tuple[slice, ...]:
    """Return the box of a mask, and one voxel more at each end where there is one: what is beyond is all alike."""
    box = []
    for axis, length in enumerate(inside.shape):
        along = np.flatnonzero(inside.any(tuple(other for other in range(3) if other != axis)))
        box.append(slice(max(int(along[0]) - 1, 0), min(int(along[-1]) + 2, length)))
    return tuple(box)


def _rim(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the voxels of a mask that share a face with a voxel beside it."""
    core = inside.copy()
    for axis in range(3):
        ahead, behind = np.moveaxis(core, axis, 0), np.moveaxis(inside, axis, 0)
        ahead[1:] &= behind[:-1]
        ahead[:-1] &= behind[1:]
    return inside & ~core


def _solid(inside: NDArray[np.bool_], planes: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """Return the large components of a mask, with the holes filled that are closed along the axes of any plane."""
    solid, box = np.zeros_like(inside), _around(inside)
    part = _large_components(inside[box])
    for axes in planes:
        part = _filled(part, axes)
    solid[box] = part
    return solid


def _large_components(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    labels, count = ndimage.label(inside)
    if count == 1:
        return inside
    sizes = np.bincount(labels[inside], minlength=count + 1)
    return np.asarray((sizes >= max(1, sizes.max() / 10))[labels])


def _filled(inside: NDArray[np.bool_], axes: Sequence[int]) -> NDArray[np.bool_]:
    """Fill closed holes: voxels with no path along these axes to the border."""
    paths = np.zeros((3, 3, 3), dtype=bool)
    for axis in axes:
        np.moveaxis(paths, axis, 0)[:, 1, 1] = True
    outside, _ = ndimage.label(~inside, paths)
    is_air = np.zeros(outside.max() + 1, dtype=bool)
    for axis in axes:
        if inside.shape[axis] > 1:  # a single slice touches both faces everywhere
            is_air[outside.take([0, -1], axis)] = True
    is_air[0] = False
    return np.asarray(~is_air[outside])
