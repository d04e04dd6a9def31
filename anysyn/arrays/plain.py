"""Arrays of numpy and tensors of torch, whose place is said beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anysyn.arrays.kind import Kind, axes_around, plain, single
from anysyn.data.volumes.formats.format import check_place
from anysyn.data.volumes.volume import Volume
from anysyn.errors import UserError

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # to RAS+ and back


class Arrays(Kind):
    """numpy.ndarray, (X, Y, Z) or with axes of length one around them.

    Example:
        >>> Arrays().read(np.zeros((1, 4, 5, 6), np.int16), np.eye(4), "T1w").shape
        (4, 5, 6)
    """

    name, placed = "numpy array", False

    def suits(self, image: Any) -> bool:
        """Tell whether it is an array."""
        return isinstance(image, np.ndarray)

    def read(self, image: Any, affine: NDArray[np.float64] | None, where: str) -> Volume:
        """Return it as a volume."""
        return Volume(plain(image, where).reshape(single(image.shape, where)), checked(affine, where))

    def like(self, image: Any, read: Volume, made: Volume) -> Any:
        """Return an array with the same axes."""
        return leading(image, made.voxels).numpy()


class Tensors(Kind):
    """torch.Tensor, (X, Y, Z) or with axes of length one around them; the answer is on its device.

    Example:
        >>> Tensors().suits(torch.zeros(2)), Tensors().suits(np.zeros(2))
        (True, False)
    """

    name, placed = "torch tensor", False

    def suits(self, image: Any) -> bool:
        """Tell whether it is a tensor."""
        return isinstance(image, Tensor)

    def read(self, image: Any, affine: NDArray[np.float64] | None, where: str) -> Volume:
        """Return it as a volume."""
        return Volume(voxels_of(image, where), checked(affine, where))

    def like(self, image: Any, read: Volume, made: Volume) -> Any:
        """Return a tensor with the same axes, on the same device."""
        return leading(image, made.voxels).to(image.device)


def checked(affine: NDArray[np.float64] | None, where: str) -> NDArray[np.float64]:
    """Return an affine (4, 4) that can be a place.

    Example:
        >>> checked(None, "T1w")
        Traceback (most recent call last):
        anysyn.errors.UserError: T1w: an array does not say where its voxels lie; add affine=, (4, 4), voxel to ...
    """
    if affine is None:
        raise UserError(
            f"{where}: an array does not say where its voxels lie; add affine=, (4, 4), voxel to world in mm, RAS+"
        )
    check_place(affine, Path(where))
    return affine


def voxels_of(image: Tensor, where: str) -> Tensor:
    """Return a copy of the voxels of a tensor, (X, Y, Z) float32 on the CPU.

    Example:
        >>> voxels_of(torch.ones(1, 2, 2, 2, dtype=torch.bfloat16), "T1w").dtype
        torch.float32
    """
    if image.dtype == torch.bool or image.is_complex():
        raise UserError(f"{where}: holds {image.dtype}; hand in integers or floating-point numbers")
    shape = single(image.shape, where)
    return image.detach().cpu().to(torch.float32, copy=True).reshape(shape).contiguous()


def leading(image: Any, voxels: Tensor) -> Tensor:
    """Return voxels with as many axes of length one before and after them as an image has.

    Example:
        >>> leading(torch.zeros(1, 1, 2, 3, 4), torch.ones(2, 3, 4)).shape
        torch.Size([1, 1, 2, 3, 4])
    """
    before, after = axes_around(image.shape)
    return voxels.reshape(*(1,) * before, *voxels.shape, *(1,) * after)
