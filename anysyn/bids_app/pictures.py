"""Three planes of each image of a participant, through one place of the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from anysyn.data.errors import VolumeError
from anysyn.data.volumes.volume import Volume, read_volume
from anysyn.figures.pictures import Picture, data_uri, png
from anysyn.figures.planes import PLANES, extent, grey, radiological, shrink, window_of

WIDEST = 220  # CSS pixels of a plane


@dataclass(frozen=True)
class Row:
    """The planes of one image.

    Args:
        name: What it is called.
        pictures: The planes; none if it cannot be read.
        reason: Why it cannot be.
    """

    name: str
    pictures: tuple[Picture, ...]
    reason: str = ""


def rows_of(images: Mapping[str, Path]) -> list[Row]:
    """Draw axial, coronal and sagittal planes of images through the middle of the first that can be read.

    Args:
        images: Files by what each is called.
    """
    volumes, reasons = dict[str, Volume](), dict[str, str]()
    for name, path in images.items():
        try:
            volumes[name] = canonical(read_volume(path))
        except VolumeError as error:  # a source may have gone since
            reasons[name] = str(error)
    if not volumes:
        return [Row(name, (), reason) for name, reason in reasons.items()]
    first = next(iter(volumes.values()))
    middle = first.affine @ [*middle_of(first), 1.0]  # (4,), world
    return [
        Row(name, _planes(name, volumes[name], middle)) if name in volumes else Row(name, (), reasons[name])
        for name in images
    ]


def canonical(volume: Volume) -> Volume:
    """Return an image with its axes towards right, anterior, superior.

    Example:
        >>> import torch
        >>> turned = canonical(Volume(torch.arange(8.0).reshape(2, 2, 2), np.diag([-1.0, 1, 1, 1])))
        >>> turned.affine[:3, 3].tolist(), turned.voxels[0, 0, 0].item()
        ([-1.0, 0.0, 0.0], 4.0)
    """
    import torch

    turned = nib.as_closest_canonical(nib.Nifti1Image(volume.voxels.numpy(), volume.affine))
    return Volume(torch.from_numpy(np.array(turned.dataobj, dtype=np.float32)), turned.affine)


def middle_of(volume: Volume) -> NDArray[np.float64]:
    """Return the centre of what is brighter than the mean, in voxels (3,).

    Example:
        >>> import torch
        >>> voxels = torch.zeros(9, 9, 9)
        >>> voxels[2:5, 4, 6] = 1
        >>> middle_of(Volume(voxels, np.eye(4))).tolist()
        [3.0, 4.0, 6.0]
    """
    bright = (volume.voxels > volume.voxels.mean()).nonzero().double()  # (N, 3)
    return bright.mean(0).numpy() if len(bright) else np.array(volume.shape) / 2


def _planes(name: str, volume: Volume, middle: NDArray[np.float64]) -> tuple[Picture, ...]:
    place = np.linalg.inv(volume.affine) @ middle  # (4,), voxels
    at = [int(np.clip(round(place[axis]), 0, volume.shape[axis] - 1)) for axis in range(3)]
    planes = [volume.voxels.select(axis, at[axis]).numpy() for axis in range(3)]
    window = window_of(planes, [np.ones_like(plane) for plane in planes])
    scale = WIDEST / max(_longest(plane, axis, volume.spacing) for axis, plane in enumerate(planes))
    drawn = []
    for axis in (2, 1, 0):
        width, height = (max(1, round(scale * edge)) for edge in extent(planes[axis], axis, volume.spacing))
        pixels = png(grey(shrink(radiological(planes[axis])), window))
        drawn.append(Picture(data_uri(pixels, "image/png"), f"{name}, {PLANES[axis]}", width, height))
    return tuple(drawn)


def _longest(plane: NDArray[np.float32], axis: int, spacing: Sequence[float]) -> float:
    return max(extent(plane, axis, spacing))
