"""A volume: voxels and their affine, read from a file of any of the `formats` and written to one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anysyn.data.errors import BlankImageError, VolumeError
from anysyn.data.geometry.boxes import Shape, triple
from anysyn.data.geometry.grid import Grid
from anysyn.data.volumes.formats import read_voxels, write_voxels
from anysyn.data.volumes.formats.format import Header

__all__ = ["Volume", "VolumeError", "check_voxels", "read_mask", "read_volume", "write_volume"]


@dataclass(frozen=True, eq=False)
class Volume:
    """A three-dimensional image.

    Args:
        voxels: (X, Y, Z) float32, in the file's own axis order; bool for a mask.
        affine: (4, 4), voxel to world in mm, RAS+.
        header: What its file says of its place, written back as it came.

    Example:
        >>> str(Volume(torch.zeros(4, 5, 6), np.diag([1.0, 1.0, 3.0, 1.0])).grid)
        '4x5x6 voxels of 1x1x3 mm'
    """

    voxels: Tensor
    affine: NDArray[np.float64]
    header: Header | None = None

    @property
    def grid(self) -> Grid:
        """Return the voxel grid."""
        return Grid(self.shape, self.affine)

    @property
    def shape(self) -> Shape:
        """Return the voxel counts of the three axes."""
        return triple(self.voxels.shape)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Return the voxel edge lengths in mm."""
        return self.grid.spacing


def read_volume(path: str | os.PathLike[str]) -> Volume:
    """Read an image from NIfTI, MetaImage, NRRD or MGH, by the ending of its name, and check it.

    Trailing axes of length one are dropped; a single slice is a volume of one slice.

    Raises:
        VolumeError: If the file is missing, unreadable, truncated or of no known format; contains several volumes,
            complex numbers, colours, NaN or a constant; or has no affine.
    """
    voxels, header = read_voxels(Path(path))
    volume = Volume(torch.from_numpy(voxels), header.affine, header)
    check_voxels(volume.voxels, str(path))
    return volume


def read_mask(path: str | os.PathLike[str]) -> Volume:
    """Read a mask: true wherever the file is not zero; it may be empty.

    Raises:
        VolumeError: As for an image, but a constant mask is allowed.
    """
    voxels, header = read_voxels(Path(path))
    _check_finite(torch.from_numpy(voxels), str(path))
    return Volume(torch.from_numpy(voxels != 0), header.affine, header)


def write_volume(
    volume: Volume, path: str | os.PathLike[str], *, description: str = "", overwrite: bool = False
) -> None:
    """Write an image or mask as float32, in the format of the name; the same voxels give the same bytes.

    The geometry of the volume's header is copied to the bit if it has this format: in NIfTI both forms with their codes
    and the unit. In another format the world is turned to that one's own (LPS in MetaImage and NRRD). Nothing else is
    copied, since the header describes another image.

    Args:
        volume: Image or mask.
        path: ``.nii.gz``, ``.nii``, ``.mha``, ``.nrrd``, ``.mgz`` or ``.mgh``; a missing folder is created.
        description: A note in the header, at most 79 bytes.
        overwrite: Whether an existing file may be replaced.

    Raises:
        VolumeError: If the name has another ending, the file exists, or it cannot be written; no part of it is left.
        ValueError: If the description is too long.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "t2.nii.gz"
        >>> write_volume(Volume(torch.arange(8.0).reshape(2, 2, 2), np.eye(4)), path, description="synthetic")
        >>> read_volume(path).voxels.flatten().tolist()
        [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    """
    voxels = np.asarray(volume.voxels.detach().cpu().numpy(), dtype=np.float32)
    write_voxels(voxels, volume.affine, Path(path), source=volume.header, description=description, overwrite=overwrite)


def check_voxels(voxels: Tensor, where: str) -> None:
    """Raise a `VolumeError` that begins with ``where`` unless an image has voxels, all finite, and not all the same.

    If they are all the same it is a `BlankImageError`.

    Example:
        >>> check_voxels(torch.zeros(2, 2, 2), "t1.nii.gz")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        anysyn.data.errors.BlankImageError: t1.nii.gz: every voxel is 0, so there is nothing to see; leave ...
    """
    if voxels.numel() == 0:
        raise VolumeError(f"{where}: has no voxels; leave this image out or export it again")
    low, high = voxels.aminmax()  # NaN if any voxel is
    if not (torch.isfinite(low) and torch.isfinite(high)):
        _check_finite(voxels, where)
    if low == high:
        raise BlankImageError(
            f"{where}: every voxel is {low.item():g}, so there is nothing to see; leave this image out"
        )


def _check_finite(voxels: Tensor, where: str) -> None:
    odd = int((~torch.isfinite(voxels)).sum())
    if odd:
        raise VolumeError(
            f"{where}: {odd} of {voxels.numel()} voxels are NaN, infinite or beyond float32; "
            "set them to the background, for example with numpy.nan_to_num"
        )
