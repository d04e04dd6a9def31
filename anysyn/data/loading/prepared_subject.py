"""Prepared subjects: the images that training reads, in sixteen bits, memory-mapped from the cache."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import lz4.block
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.errors import CacheError
from anysyn.data.geometry.boxes import Box, Shape, triple
from anysyn.data.geometry.grid import Grid
from anysyn.data.loading.cache import Entry, read_entry
from anysyn.data.records import Failure, Subject
from anysyn.data.volumes.intensity_window import Window, window_of

BITS = 14  # of the magnitude; a scanner digitises 12


@dataclass(frozen=True, eq=False)
class Packed:
    """Images in bricks that are unpacked where they are read, so that their bytes may stay in a memory-mapped file.

    Voxels are multiples of a step, a power of two that is at most 1/8192 of the image's largest magnitude. The step of
    12 bits, which scanners digitise, is at least 1/4096 of it: what rounding changes, half a step, is at most half of
    what the scanner rounded. An image on a step of its own that is such a power, and 0 in any, stays as it is.

    Args:
        content: uint8, the bricks, one after the other, the last axis fastest.
        ends: (n,) int64, the end of each brick in it.
        steps: (N,) float32, of each image.
        shape: Voxels of the images along their three axes.
        brick: Voxels of a brick along them; those at the far ends may be smaller.
        compressed: Whether the bricks are.

    Example:
        >>> images = torch.rand(2, 5, 4, 3)
        >>> packed = Packed.of(images, (1, 4, 3))
        >>> bool((packed.read(Box((1, 0, 0), (2, 4, 3))) - images[:, 1:3]).abs().max() <= images.max() / 16384)
        True
    """

    content: Tensor
    ends: Tensor
    steps: Tensor
    shape: Shape
    brick: Shape
    compressed: bool = True

    @classmethod
    def of(cls, images: Tensor, brick: Shape, *, compressed: bool = True) -> Packed:
        """Pack images (N, a, b, c), finite."""
        steps = torch.tensor([_step(image) for image in images])  # (N,)
        shape, pack = triple(images.shape[1:]), _compressed if compressed else _plain
        multiples = images / steps.reshape(-1, 1, 1, 1)
        pieces = [pack(piece) for piece in _bricks(multiples, brick)]
        ends = torch.tensor([len(piece) for piece in pieces]).cumsum(0)  # (n,)
        content = torch.frombuffer(bytearray(b"".join(pieces)), dtype=torch.uint8)
        return cls(content, ends, steps, shape, brick, compressed)

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], shape: Shape) -> Packed:
        """Return what `tensors` gave, of images of this shape."""
        *brick, compressed = tensors["layout"].tolist()
        return cls(tensors["content"], tensors["ends"], tensors["steps"], shape, triple(brick), bool(compressed))

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by name, for a cache."""
        layout = torch.tensor([*self.brick, int(self.compressed)])  # (4,)
        return {"content": self.content, "ends": self.ends, "steps": self.steps, "layout": layout}

    def read(self, where: Box) -> Tensor:
        """Return a part of the images, (N, a, b, c) float32; bricks outside of it are not unpacked."""
        images = torch.empty(len(self.steps), *where.size)  # (N, a, b, c)
        self.fill(images, where)
        return images

    def fill(self, images: Tensor, where: Box) -> None:
        """Write a part of the images to (N, a, b, c) float32, which may lie anywhere in memory."""
        if not images.numel():
            return
        steps, content = self.steps.reshape(-1, 1, 1, 1), self.content.numpy()
        ends, counts = [0, *self.ends.tolist()], [-(-n // side) for n, side in zip(self.shape, self.brick, strict=True)]
        unpack = _uncompressed if self.compressed else _as_it_is
        for spans in itertools.product(*map(_spans, *where, self.shape, self.brick)):
            (i, j, k), size, there, here = zip(*spans, strict=True)
            number = (i * counts[1] + j) * counts[2] + k
            codes = unpack(content[ends[number] : ends[number + 1]], (len(steps), *size), (slice(None), *there))
            part = images[(slice(None), *here)]  # (N, i, j, k)
            part.copy_(torch.from_numpy(codes)).mul_(steps)  # a mixed product is slow


@dataclass(frozen=True, eq=False)
class PreparedSubject:
    """Prepared images of one subject.

    Args:
        subject: Whose images they are.
        modalities: Names of the images, in the order of the recipe.
        packed: The images, one for each of the names, their axes in the order of `axes`.
        foreground: (X, Y, Z) bool.
        profile: (n,) int64, foreground voxels at each position along the axis that is stored first.
        grid: Where the voxels lie.
        windows: By modality, the intensities in the unit of the modality table that become 0 and 1.
        air: (N,) prepared intensity of air.
        assumed: By modality, what was assumed about the unit of its file.
        absent: By modality, why its file counts as absent.
        axes: Order in which the axes are stored.
        path: The file of the cache that holds all this.
        notes: What is written there about it.
    """

    subject: Subject
    modalities: tuple[str, ...]
    packed: Packed
    foreground: Tensor
    profile: Tensor
    grid: Grid
    windows: Mapping[str, Window]
    air: Tensor
    assumed: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    axes: tuple[int, int, int] = (0, 1, 2)
    path: Path | None = None
    notes: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process as the path of the file, not as its bytes."""
        return _reopened, (self.subject, self.path, self.axes)

    @property
    def images(self) -> Tensor:
        """Return the whole images, (N, X, Y, Z) float32."""
        return self.read(Box((0, 0, 0), self.grid.shape))

    def read(self, box: Box) -> Tensor:
        """Return the part of a box that lies in the volume, (N, x, y, z) float32.

        Args:
            box: The voxels; bricks outside of it are not unpacked.
        """
        inside = box.common(Box((0, 0, 0), self.grid.shape))
        images = torch.empty(len(self.modalities), *inside.size)  # (N, x, y, z)
        self.fill(images, inside)
        return images

    def fill(self, images: Tensor, box: Box) -> None:
        """Write the images of a box that lies in the volume to (N, x, y, z) float32, anywhere in memory."""
        start, size = (triple(corner[axis] for axis in self.axes) for corner in box)
        self.packed.fill(images.permute(0, *(axis + 1 for axis in self.axes)), Box(start, size))  # of (N, a, b, c)

    @property
    def remarks(self) -> tuple[Failure, ...]:
        """What was assumed about the subject's files, and those that count as absent; none is a failure."""
        return (*self.blank, *self._noted(self.assumed))

    @property
    def blank(self) -> tuple[Failure, ...]:
        """The files that count as absent, and why."""
        return self._noted(self.absent)

    def _noted(self, notes: Mapping[str, str]) -> tuple[Failure, ...]:
        key, images = self.subject.key, self.subject.images
        return tuple(Failure(key, images[name], f"{name}: {reason}", name) for name, reason in notes.items())

    def acquisition(self, name: str) -> Acquisition | None:
        """Return the known acquisition of an image, with its voxel size after preparation; None if it is absent."""
        if name not in self.modalities:
            return None
        known = self.subject.acquisitions.get(name, Acquisition(modality=name))
        return replace(known, voxel_size_mm=self.grid.recorded_size)


def opened(subject: Subject, entry: Entry, axes: tuple[int, int, int]) -> PreparedSubject:
    """Return the subject that an entry of a cache holds, stored in this order of the axes."""
    notes, stored = json.loads(entry.notes["notes"]), entry.tensors["foreground"]  # (n, a, b)
    inside = stored.permute(*(axes.index(axis) for axis in range(3)))  # (X, Y, Z)
    return PreparedSubject(
        subject,
        tuple(notes["names"]),
        Packed.from_tensors(entry.tensors, triple(stored.shape)),
        inside,
        entry.tensors["profile"],
        Grid(triple(inside.shape), entry.tensors["affine"].numpy()),
        {name: window_of(numbers) for name, numbers in notes["windows"].items()},
        torch.tensor(notes["air"], dtype=torch.float32),
        notes["assumed"],
        notes["absent"],
        axes,
        entry.path,
        entry.notes["notes"],
    )


def _reopened(subject: Subject, path: Path, axes: tuple[int, int, int]) -> PreparedSubject:
    entry = read_entry(path)
    if entry is None:
        raise CacheError(f"{path}: was deleted while a training read it; resume the run, which makes it anew")
    return opened(subject, entry, axes)


def _spans(start: int, length: int, full: int, side: int) -> list[tuple[int, int, slice, slice]]:
    """List the bricks that a box touches along an axis: number, length, the box's part of it, its part of the box."""
    spans = []
    for number in range(start // side, -(-(start + length) // side)):
        first = number * side
        last = min(first + side, full)
        low, high = max(start, first), min(start + length, last)
        spans.append((number, last - first, slice(low - first, high - first), slice(low - start, high - start)))
    return spans


def _bricks(images: Tensor, brick: Shape) -> Iterator[Tensor]:
    """Yield each brick of images (N, a, b, c), the last axis fastest."""
    for slab in torch.split(images, brick[0], 1):
        for column in torch.split(slab, brick[1], 2):
            yield from torch.split(column, brick[2], 3)


def _step(image: Tensor) -> float:
    """Return the step of an image: a power of two, 2^-14 of the next one above its largest magnitude."""
    return math.ldexp(1.0, math.frexp(float(image.abs().max()))[1] - BITS)


def _plain(multiples: Tensor) -> bytes:
    """Return multiples of the steps as their sixteen bits."""
    return multiples.round().to(torch.int16).numpy().tobytes()


def _compressed(multiples: Tensor) -> bytes:
    """Compress multiples of the steps: all high bytes, which differ little, then all low ones."""
    codes = np.frombuffer(_plain(multiples), dtype=np.uint16)
    packed: bytes = lz4.block.compress(np.concatenate([(codes >> 8).astype(np.uint8), codes.astype(np.uint8)]))
    return packed


def _as_it_is(piece: NDArray[np.uint8], size: tuple[int, ...], where: tuple[slice, ...]) -> NDArray[np.int16]:
    return piece.view(np.int16).reshape(size)[where]


def _uncompressed(piece: NDArray[np.uint8], size: tuple[int, ...], where: tuple[slice, ...]) -> NDArray[np.int16]:
    """Uncompress a brick (N, a, b, c), and join the bytes of the part of it that is asked for."""
    planes = np.frombuffer(lz4.block.decompress(piece), dtype=np.uint8).reshape(2, *size)
    high, low = planes[(slice(None), *where)]
    codes: NDArray[np.uint16] = np.left_shift(high, 8, dtype=np.uint16)
    codes |= low
    return codes.view(np.int16)
