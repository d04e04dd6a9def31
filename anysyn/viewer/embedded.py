"""An image as text in a page: 16 bits a voxel, its place kept."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import torch.nn.functional as F
from torch import Tensor

from anysyn.data.volumes.formats import read_header
from anysyn.data.volumes.volume import Volume, read_mask, read_volume
from anysyn.errors import UserError

MOST_VOXELS = 2**24  # a head of 256 voxels along each axis
LEVELS = 65534  # of 16 bits


@dataclass(frozen=True)
class Embedded:
    """An image as a page holds it.

    Args:
        text: A compressed NIfTI as base64.
        low: Lower end of the first window: the 1st percentile.
        high: Its upper end: the 99.5th percentile.
        note: What was changed, "" if nothing but the rounding to 65,535 steps.
    """

    text: str
    low: float
    high: float
    note: str = ""


def embedded(path: Path) -> Embedded:
    """Return an image for a page.

    Raises:
        VolumeError: If it cannot be read.
    """
    volume = _read(path)
    shrunk, factor = shrink(volume)
    values = shrunk.voxels.numpy()
    image = nib.Nifti1Image(values, shrunk.affine)
    image.header.set_data_dtype(np.int16)
    image.header.set_xyzt_units("mm")
    text = base64.b64encode(gzip.compress(image.to_bytes(), 6)).decode("ascii")
    low, high = np.percentile(values, [1, 99.5]).tolist()
    note = f"shown at every {factor}th voxel's mean, since it has {volume.voxels.numel():,}" if factor > 1 else ""
    return Embedded(text, low, high if high > low else float(values.max()), note)


def _read(path: Path) -> Volume:
    try:
        return read_volume(path)
    except UserError:
        read_header(path)  # a file that is none is refused; one that is constant, as an empty map, is shown
        mask = read_mask(path)
        return Volume(mask.voxels.float(), mask.affine, mask.header)


def shrink(volume: Volume, most: int = MOST_VOXELS) -> tuple[Volume, int]:
    """Average blocks of voxels until an image has at most as many; its place stays.

    Args:
        volume: The image.
        most: Voxels.

    Returns:
        The image, and how many voxels along each axis became one.

    Example:
        >>> import torch
        >>> small, factor = shrink(Volume(torch.arange(64.0).reshape(4, 4, 4), np.eye(4)), most=8)
        >>> factor, tuple(small.shape), small.affine[:3, 3].tolist(), small.spacing
        (2, (2, 2, 2), [0.5, 0.5, 0.5], (2.0, 2.0, 2.0))
    """
    factor = 1
    while volume.voxels.numel() > most * factor**3:
        factor += 1
    if factor == 1:
        return volume, 1
    voxels: Tensor = F.avg_pool3d(volume.voxels.float()[None], factor, ceil_mode=True)[0]  # (X / f, Y / f, Z / f)
    affine = volume.affine @ np.diag([factor, factor, factor, 1.0])
    affine[:3, 3] = (volume.affine @ [*[(factor - 1) / 2] * 3, 1.0])[:3]
    return Volume(voxels, affine), factor
