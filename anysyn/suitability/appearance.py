"""What an image looks like, in numbers that show nobody: size, shape, layers, intensities, voxel size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import avg_pool3d, interpolate, pad

from anysyn.data.modalities import modality
from anysyn.data.prepare import Canonical
from anysyn.data.volumes.foreground import foreground
from anysyn.data.volumes.study import Study

EDGE = 4.0  # mm: anatomy is compared on this grid, so that the voxel size of a scan hardly matters
DEPTHS = (4.0, 8.0, 12.0, 18.0, 26.0, 36.0, np.inf)  # mm below the surface, whose own voxels are half air
FINE_EDGE = 2.0  # mm: a vessel is wider, and noise and the voxel size of the scan still hardly matter
PERCENTILES = (2.0, 10.0, 25.0, 50.0, 75.0, 90.0, 98.0)
TAIL = (95.0, 99.0, 99.7, 99.95)
LEAST_TAIL = 0.02  # by how much the tail rises at least, as a share of its beginning
POSITIONS = 10  # along each axis of the body
BOXES = 8  # along each axis of the silhouette
Numbers = tuple[float, ...]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Appearance:
    """What one image looks like.

    Args:
        size: Logarithms of the foreground's volume in cm3 and of its three extents in mm.
        ends: Area of the outermost 4 mm at the left, right, back, front, bottom and top end, as a share of the
            largest cross-section of that axis: near 1 if the body is cut off there.
        outline: Area of the cross-sections along x, y and z, ten positions each, as a share of the largest.
        silhouette: Thickness from left to right, seen from the side in eight by eight boxes (back to front, bottom to
            top), as a share of the largest: a head's is no other one turned over.
        layers: Mean intensity by depth below the surface, in six layers from 4 mm on; 1 is the 99.5th percentile.
        histogram: Seven percentiles below 4 mm of depth; 1 is the 99.5th.
        texture: Mean difference of neighbours 4 mm apart, as a share of the spread.
        tail: How far the 99th, 99.7th and 99.95th percentile of 2 mm voxels are above the 95th, as shares of it and
            logarithms: vessels, which an agent makes brighter than all tissue, are a voxel in a hundred.
        voxel: Edge lengths in mm.
    """

    size: Numbers
    ends: Numbers
    outline: Numbers
    silhouette: Numbers
    layers: Numbers
    histogram: Numbers
    texture: Numbers
    tail: Numbers
    voxel: Numbers

    def group(self, name: str) -> Array:
        """Return one group of numbers as (n,) float64."""
        return np.asarray(getattr(self, name), dtype=float)


def appearances(study: Study, names: Sequence[str] | None = None) -> dict[str, Appearance]:
    """Measure the images of a study as it was read, by modality.

    Args:
        study: Unprepared, in any orientation.
        names: Modalities; all by default.
    """
    turned, _ = Canonical().forward(study)
    return {
        name: appearance_of(turned.images[name], turned.grid.voxel_size, modality(name).family)
        for name in names or turned.images
    }


def versions(study: Study) -> dict[str, list[Appearance]]:
    """Measure the images of a study as it was read, and as a resampling leaves them, by modality.

    Args:
        study: Unprepared, in any orientation.

    Returns:
        For each modality what it looks like as it is, then resampled.
    """
    softened = {name: resampled(image) for name, image in study.images.items()}
    first, then = appearances(study), appearances(replace(study, images=softened))
    return {name: [first[name], then[name]] for name in first}


def resampled(image: Tensor) -> Tensor:
    """Return an image as linear interpolation half a voxel away leaves it, where it smooths most.

    Args:
        image: (X, Y, Z)

    Returns:
        The same shape, the last voxel of each axis repeated.

    Example:
        >>> resampled(torch.tensor([[[0.0, 8.0, 4.0]]]))
        tensor([[[4., 6., 4.]]])
    """
    padded = pad(image[None, None], (0, 1) * 3, mode="replicate")  # (1, 1, X + 1, Y + 1, Z + 1)
    return avg_pool3d(padded, 2, stride=1)[0, 0]


def appearance_of(image: Tensor, spacing: Sequence[float], family: str = "MRI") -> Appearance:
    """Measure an image.

    Args:
        image: (X, Y, Z) float32, axes towards right, front and top.
        spacing: Voxel edge lengths in mm.
        family: ``"MRI"``, ``"CT"`` or ``"PET"``.

    Example:
        >>> image = torch.zeros(20, 20, 20)
        >>> image[5:15, 5:15, 5:15] = 100
        >>> seen = appearance_of(image, (4.0, 4.0, 4.0))
        >>> round(float(np.exp(seen.size[0])), 3), seen.layers[0]  # 40 mm cubed in cm3
        (64.0, 1.0)
    """
    inside = foreground(image, family)
    coarse, body, edges = _coarse(image, inside, spacing, [EDGE] * 3)
    depth = _depth(body, edges)
    deep = _deep(body, depth)
    low = -1000.0 if family == "CT" else 0.0
    top = float(np.percentile(coarse[deep], 99.5)) - low
    values = (coarse - low) / (top if top > 0 else 1.0)
    sizes = [np.ptp(np.nonzero(body)[axis]) * edges[axis] + edges[axis] for axis in range(3)]
    volume = float(inside.sum()) * float(np.prod(spacing)) / 1000
    outlines, ends = zip(*(_along(body, axis) for axis in range(3)), strict=True)
    return Appearance(
        size=_numbers(np.log([volume, *sizes])),
        ends=_numbers(np.concatenate(ends)),
        outline=_numbers(np.concatenate(outlines)),
        silhouette=_numbers(_silhouette(body)),
        layers=_numbers(_layers(values, body, depth)),
        histogram=_numbers(np.percentile(values[deep], PERCENTILES)),
        texture=_numbers(np.array([_roughness(values, body)])),
        tail=_numbers(_tail(image, inside, spacing, low)),
        voxel=_numbers(np.asarray(spacing, dtype=float)),
    )


def _coarse(
    image: Tensor, inside: Tensor, spacing: Sequence[float], wanted: Sequence[float]
) -> tuple[Array, NDArray[np.bool_], list[float]]:
    """Return the mean intensity of the foreground on a grid of about these edges, that foreground, and the edges."""
    counts = [max(1, round(n * edge / new)) for n, edge, new in zip(image.shape, spacing, wanted, strict=True)]
    both = torch.stack([torch.where(inside, image, 0.0), inside.float()])[None]  # (1, 2, X, Y, Z)
    summed, share = interpolate(both, size=counts, mode="area")[0].double().numpy()  # (2, *counts)
    body = share > 0.5
    if not body.any():
        body = share >= share.max()
    edges = [n * edge / count for n, edge, count in zip(image.shape, spacing, counts, strict=True)]
    return np.where(share > 0, summed / np.maximum(share, 1e-6), 0.0), body, edges


def _depth(body: NDArray[np.bool_], edges: Sequence[float]) -> Array:
    """Return the distance of each voxel to what is outside, in mm."""
    padded: Array = ndimage.distance_transform_edt(np.pad(body, 1), sampling=edges)
    return padded[1:-1, 1:-1, 1:-1]


def _deep(body: NDArray[np.bool_], depth: Array) -> NDArray[np.bool_]:
    """Return what is more than 4 mm below the surface, or all of a body without it."""
    return body & (depth > 1.01 * EDGE) if (depth > 1.01 * EDGE).any() else body


def _tail(image: Tensor, inside: Tensor, spacing: Sequence[float], low: float) -> Array:
    """Return how far the brightest voxels are above the 95th percentile."""
    own = [max(FINE_EDGE, edge) for edge in spacing]  # voxels that are larger are left as they are
    fine, body, edges = _coarse(image, inside, spacing, own)
    first, *others = np.percentile(fine[_deep(body, _depth(body, edges))], TAIL) - low
    rise = np.asarray(others) / first - 1 if first > 0 else np.zeros(len(TAIL) - 1)
    return np.asarray(np.log(np.maximum(rise, 0) + LEAST_TAIL))


def _along(body: NDArray[np.bool_], axis: int) -> tuple[Array, Array]:
    """Return the areas of the cross-sections along an axis, and of the two ends, as shares of the largest."""
    areas = body.sum(tuple(other for other in range(3) if other != axis)).astype(float)
    places = np.flatnonzero(areas)
    areas = areas[places[0] : places[-1] + 1] / areas.max()
    positions = (np.arange(POSITIONS) + 0.5) / POSITIONS * len(areas) - 0.5
    return np.interp(positions, np.arange(len(areas)), areas), areas[[0, -1]]


def _silhouette(body: NDArray[np.bool_]) -> Array:
    """Return the thickness of a body from left to right in boxes of its sagittal bounding box."""
    thickness = torch.from_numpy(body.sum(0).astype(float))  # (Y, Z)
    rows, columns = (np.flatnonzero(body.any((0, other))) for other in (2, 1))
    framed = thickness[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    boxes = interpolate(framed[None, None], (BOXES, BOXES), mode="area")[0, 0].numpy()  # (8, 8)
    return np.asarray((boxes / boxes.max()).ravel())


def _layers(values: Array, body: NDArray[np.bool_], depth: Array) -> Array:
    """Return the mean intensity by depth below the surface; a layer that a small body lacks is as the one above."""
    means = list[float]()
    for above, below in pairwise(DEPTHS):
        layer = body & (depth > 1.01 * above) & (depth <= 1.01 * below)  # edges of the grid are about 4 mm
        means.append(float(values[layer].mean()) if layer.any() else (means or [float(values[body].mean())])[-1])
    return np.array(means)


def _roughness(values: Array, body: NDArray[np.bool_]) -> float:
    """Return the mean absolute difference of neighbours within a body, as a share of its standard deviation."""
    total, count = 0.0, 0
    for axis in range(3):
        ahead, behind = np.moveaxis(values, axis, 0), np.moveaxis(body, axis, 0)
        first, after, pairs = ahead[:-1], ahead[1:], behind[:-1] & behind[1:]
        total += float(np.abs(after - first)[pairs].sum(dtype=float))
        count += int(pairs.sum())
    spread = float(values[body].std())
    return total / count / spread if count and spread > 0 else 0.0


def _numbers(values: Array) -> Numbers:
    return tuple(round(float(value), 5) for value in values)
