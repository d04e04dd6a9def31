"""What a file format is: its endings, and how it reads and writes the voxels and the place of an image."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from anysyn.data.errors import VolumeError
from anysyn.data.geometry.boxes import Shape, triple

T = TypeVar("T")

SAME_AFFINE = 1e-6  # relative, and in mm; finer than the float32 numbers of a header
EDGES_MM = (1e-4, 1e3)  # of a voxel: from microscopy to a thick slab
REACH_MM = 1e6  # from the origin of the world to the first voxel
FLATTEST = 0.01  # volume of a voxel, as a share of that of a box with its edges


@dataclass(frozen=True, eq=False)
class Header:
    """What a file says of its image without its voxels.

    Args:
        shape: Voxels along the axes (X, Y, Z).
        affine: (4, 4), voxel to world in mm, RAS+.
        own: The place as the file states it, in the terms of its format, so that it can be written back to the bit.
        description: What the file says the image is; empty where the format has no place for it.

    Example:
        >>> Header((4, 5, 6), np.diag([1.0, 1, 3, 1])).spacing
        (1.0, 1.0, 3.0)
    """

    shape: Shape
    affine: NDArray[np.float64]
    own: Any = None
    description: str = ""

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Return the voxel edge lengths in mm, to a tenth of a micrometre."""
        return triple(np.linalg.norm(self.affine[:3, :3], axis=0).round(4).tolist())

    def own_as(self, kind: type[T], affine: NDArray[np.float64] | None = None) -> T | None:
        """Return the place as the file states it; None if it has another format, or lies elsewhere than ``affine``.

        Example:
            >>> Header((4, 5, 6), np.eye(4), "I").own_as(str, np.diag([2.0, 1, 1, 1])) is None
            True
        """
        here = affine is None or np.allclose(affine, self.affine, SAME_AFFINE, SAME_AFFINE)
        return self.own if here and isinstance(self.own, kind) else None


class Format(ABC):
    """A file format of volumes: a subclass, listed in `formats.FORMATS`, is all that a new one needs.

    Attributes:
        name: Its name, for messages.
        suffixes: Endings of its files, in lower case; the first one is that of new files.
        written: Those of the endings that it can write.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    written: ClassVar[tuple[str, ...]]

    @abstractmethod
    def read_header(self, path: Path) -> Header:
        """Read and check the header alone, in about a millisecond; a `VolumeError` if it cannot be used."""

    @abstractmethod
    def read(self, path: Path) -> tuple[NDArray[np.float32], Header]:
        """Read the voxels (X, Y, Z) and the header; a `VolumeError` if they cannot be used."""

    @abstractmethod
    def write(
        self,
        file: BinaryIO,
        voxels: NDArray[np.float32],
        affine: NDArray[np.float64],
        *,
        source: Header | None,
        description: str,
        compress: bool,
    ) -> None:
        """Write voxels (X, Y, Z) as float32; the same voxels give the same bytes.

        Args:
            file: Open for writing.
            voxels: The image.
            affine: (4, 4), voxel to world in mm, RAS+.
            source: Header of the file that the grid is from, in any format; its own words are used if it has this one.
            description: Written where the format has a place for it.
            compress: Whether the ending of the name asks for compression; formats whose endings do not say may ignore
                it.
        """

    def files(self, path: Path) -> tuple[Path, ...]:
        """Return the files of an image: itself, and the file of voxels beside it if it has one."""
        return (path,)


def check_shape(shape: Sequence[int], path: Path) -> Shape:
    """Return the voxels of the three axes; refuse a shape without voxels, or of several volumes.

    Example:
        >>> check_shape((5, 6, 1, 1), Path("t1.nii")), check_shape((5, 6), Path("t1.nii"))
        ((5, 6, 1), (5, 6, 1))
    """
    if len(shape) < 2 or min(shape) < 1:
        raise VolumeError(f"{path}: has no voxels (shape {_times(shape) or 'empty'}); leave it out or export it again")
    count = math.prod(shape[3:])
    if count > 1:
        raise VolumeError(
            f"{path}: holds {count} volumes ({_times(shape)}) where one is needed; "
            "save one of them: nibabel.load(...).slicer[..., 0].to_filename(...)"
        )
    return triple((*map(int, shape), 1)[:3])


def check_kind(kind: str, path: Path) -> None:
    """Refuse voxels whose numpy kind is neither integer nor floating point."""
    if kind not in "iuf":
        what = "complex numbers; save their magnitude" if kind == "c" else "colours; save a grey image"
        raise VolumeError(f"{path}: holds {what}")


def is_usable(affine: NDArray[np.float64]) -> bool:
    """Tell whether an affine (4, 4) is finite and its axes point in different directions.

    Example:
        >>> is_usable(np.eye(4)), is_usable(np.diag([1.0, 1, 0, 1]))
        (True, False)
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        edges = np.linalg.norm(affine[:3, :3], axis=0)
        if not (np.isfinite(affine).all() and np.isfinite(edges).all() and (edges > 0).all()):
            return False
        return bool(abs(np.linalg.det(affine[:3, :3] / edges)) > FLATTEST)


def check_place(affine: NDArray[np.float64], path: Path, unit: str = "") -> None:
    """Refuse an affine (4, 4) that gives voxels no place, or one that no scanner makes.

    Args:
        affine: Voxel to world in mm.
        path: The file, for messages.
        unit: Unit of length that the file states, for messages.

    Example:
        >>> check_place(np.diag([1e9, 1, 1, 1]), Path("t1.nii"))
        Traceback (most recent call last):
        anysyn.data.errors.VolumeError: t1.nii: has voxels of 1e+09x1x1 mm, and an edge is from 0.0001 to 1000 mm; ...
    """
    if not is_usable(affine):
        raise VolumeError(f"{path}: its affine is not invertible, so voxels have no place; export it again")
    edges = np.linalg.norm(affine[:3, :3], axis=0)
    if edges.min() < EDGES_MM[0] or edges.max() > EDGES_MM[1]:
        stated = f" (its header is in {unit})" if unit else ""
        raise VolumeError(
            f"{path}: has voxels of {'x'.join(f'{edge:g}' for edge in edges)} mm{stated}, and an edge is from "
            f"{EDGES_MM[0]:g} to {EDGES_MM[1]:g} mm; correct the voxel size or the unit in its header"
        )
    if np.abs(affine[:3, 3]).max() > REACH_MM:
        raise VolumeError(
            f"{path}: lies {np.abs(affine[:3, 3]).max():g} mm from the origin, at most {REACH_MM:g} mm are possible; "
            "correct the origin in its header, or export it again"
        )


def _times(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))
