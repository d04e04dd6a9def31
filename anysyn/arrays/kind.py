"""What a kind of image in memory is: how it becomes a volume, and how a volume becomes one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from anysyn.data.errors import VolumeError
from anysyn.data.geometry.boxes import Shape, triple
from anysyn.data.volumes.volume import Volume
from anysyn.errors import UserError


class Kind(ABC):
    """A kind of image in memory: a subclass, listed in `kinds.KINDS`, is all that a new one needs.

    Attributes:
        name: Its name, for messages.
        placed: Whether an image says itself where its voxels lie.
    """

    name: ClassVar[str]
    placed: ClassVar[bool] = True

    @abstractmethod
    def suits(self, image: Any) -> bool:
        """Tell whether an object is of this kind."""

    @abstractmethod
    def read(self, image: Any, affine: NDArray[np.float64] | None, where: str) -> Volume:
        """Return an image as a volume, which shares no memory with it.

        Args:
            image: An object of this kind.
            affine: (4, 4), voxel to world in mm, RAS+, for a kind that is not ``placed``.
            where: What the image is, for messages.

        Raises:
            UserError: If it is not one image of three axes, or holds no plain numbers.
        """

    @abstractmethod
    def like(self, image: Any, read: Volume, made: Volume) -> Any:
        """Return a volume as an image of this kind, float32.

        Args:
            image: The image whose grid it has, or from whose grid its own was made.
            read: That image as `read` returned it.
            made: What is returned; it has that image's place to the bit if its affine is the same.
        """


def axes_around(shape: Sequence[int]) -> tuple[int, int]:
    """Return how many axes of length one stand before and after the three of an image: channel and batch, or time.

    Example:
        >>> axes_around((1, 1, 20, 24, 12)), axes_around((20, 24, 12, 1)), axes_around((1, 20, 24, 1))
        ((2, 0), (0, 1), (1, 0))
    """
    before = after = 0
    while len(shape) - before > 3 and shape[before] == 1:
        before += 1
    while len(shape) - before - after > 3 and shape[-1 - after] == 1:
        after += 1
    return before, after


def single(shape: Sequence[int], where: str) -> Shape:
    """Return the three axes of one image, which may have axes of length one around them.

    Example:
        >>> single((1, 1, 20, 24, 12), "T1w")
        (20, 24, 12)
        >>> single((20, 24, 12, 1), "T1w")
        (20, 24, 12)
        >>> single((4, 20, 24, 12), "T1w")
        Traceback (most recent call last):
        anysyn.errors.UserError: T1w: its shape (4, 20, 24, 12) is not that of one image; hand in (X, Y, Z), one by one
        >>> single((2, 1, 20, 24, 12), "T1w")
        Traceback (most recent call last):
        anysyn.errors.UserError: T1w: its shape (2, 1, 20, 24, 12) is a batch of 2; hand them in one by one, as ...
    """
    if len(shape) == 5 and shape[0] != 1 and shape[1] == 1:
        raise UserError(
            f"{where}: its shape {tuple(shape)} is a batch of {shape[0]}; hand them in one by one, as MONAI's "
            "decollate_batch gives them"
        )
    before, after = axes_around(shape)
    axes = tuple(map(int, shape[before : len(shape) - after]))
    if len(axes) != 3:
        raise UserError(f"{where}: its shape {tuple(shape)} is not that of one image; hand in (X, Y, Z), one by one")
    return triple(axes)


def plain(voxels: NDArray[Any], where: str) -> torch.Tensor:
    """Return a copy of voxels as float32; integers and floating-point numbers of any width and order of bytes.

    Example:
        >>> plain(np.ones((1, 1, 2), ">i2"), "T1w").tolist()
        [[[1.0, 1.0]]]
    """
    if voxels.dtype.kind not in "iuf":
        raise UserError(f"{where}: holds {voxels.dtype}; hand in integers or floating-point numbers")
    with np.errstate(over="ignore"):  # what is beyond float32 becomes infinite, which the check of a volume names
        return torch.from_numpy(np.array(voxels, dtype=np.float32, order="C"))


def same_place(read: Volume, made: Volume) -> bool:
    """Tell whether two volumes have the same grid to the bit.

    Example:
        >>> volume = Volume(torch.zeros(2, 2, 2), np.eye(4))
        >>> same_place(volume, volume)
        True
    """
    return read.shape == made.shape and bool(np.array_equal(read.affine, made.affine))


def check_affine(affine: Any, where: str) -> NDArray[np.float64]:
    """Return an affine as (4, 4) numbers; whether they can be a place is checked with the volume.

    Example:
        >>> check_affine([[1, 0]], "T1w")
        Traceback (most recent call last):
        anysyn.data.errors.VolumeError: T1w: affine: is no (4, 4) of numbers; give voxel to world in mm, RAS+
    """
    try:
        numbers = np.array(
            affine.detach().cpu().numpy() if isinstance(affine, torch.Tensor) else affine, dtype=np.float64
        )
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if numbers.size != 16 or numbers.shape[-2:] != (4, 4):
        raise VolumeError(f"{where}: affine: is no (4, 4) of numbers; give voxel to world in mm, RAS+")
    return numbers.reshape(4, 4)
