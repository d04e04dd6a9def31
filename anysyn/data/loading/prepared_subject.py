"""Prepared subjects: the images that training reads, in sixteen bits, memory-mapped from the cache."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
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
from anysyn.data.geometry.boxes import Box, triple
from anysyn.data.geometry.grid import Grid
from anysyn.data.loading.cache import Entry, read_entry
from anysyn.data.records import Failure, Subject
from anysyn.data.volumes.intensity_window import Window, window_of

BITS = 14  # of the magnitude; a scanner digitises 12


@dataclass(frozen=True, eq=False)
class Packed:
    """Images that are unpacked where they are read, so that their bytes may stay in a memory-mapped file.

    Voxels are multiples of a step, a power of two that is at most 1/8192 of the image's largest magnitude. The step of
    12 bits, which scanners digitise, is at least 1/4096 of it: what rounding changes, half a step, is at most half of
    what the scanner rounded. An image on a step of its own that is such a power, and 0 in any, stays as it is.

    Args:
        content: uint8, the compressed slices, one after the other.
        ends: (n,) int64, the end of each slice in it.
        steps: (N,) float32, of each image.
        plane: Voxels of a slice along its two axes.

    Example:
        >>> images = torch.rand(5, 2, 4, 3)
        >>> packed = Packed.of(images)
        >>> bool((packed.read(1, 3) - images[1:3]).abs().max() <= images.max() / 16384)
        True
    """

    content: Tensor
    ends: Tensor
    steps: Tensor
    plane: tuple[int, int]

    @classmethod
    def of(cls, images: Tensor) -> Packed:
        """Pack images (n, N, a, b), finite, slice by slice along the first axis."""
        steps = torch.tensor([_step(image) for image in images.unbind(1)])  # (N,)
        pieces = [_compressed(part / steps.reshape(-1, 1, 1)) for part in images]
        ends = torch.tensor([len(piece) for piece in pieces]).cumsum(0)  # (n,)
        content = torch.frombuffer(bytearray(b"".join(pieces)), dtype=torch.uint8)
        return cls(content, ends, steps, (images.shape[2], images.shape[3]))

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], plane: tuple[int, int]) -> Packed:
        """Return what `tensors` gave, for slices of this size."""
        return cls(tensors["content"], tensors["ends"], tensors["steps"], plane)

    def tensors(self) -> dict[str, Tensor]:
        """Return the tensors by name, for a cache."""
        return {"content": self.content, "ends": self.ends, "steps": self.steps}

    def read(self, first: int, stop: int) -> Tensor:
        """Return slices first to before stop, (k, N, a, b) float32."""
        content, ends = self.content.numpy(), [0, *self.ends.tolist()]
        images = torch.empty(stop - first, len(self.steps), *self.plane)  # (k, N, a, b)
        for image, start, end in zip(images, ends[first:stop], ends[first + 1 : stop + 1], strict=True):
            codes = _uncompressed(content[start:end]).reshape(image.shape)
            image.copy_(torch.from_numpy(codes)).mul_(self.steps.reshape(-1, 1, 1))
        return images


@dataclass(frozen=True, eq=False)
class PreparedSubject:
    """Prepared images of one subject.

    Args:
        subject: Whose images they are.
        modalities: Names of the images, in the order of the recipe.
        packed: The images, one for each of the names, in slices along ``axes[0]``.
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
            box: The voxels; slices outside of it are not unpacked.
        """
        inside = box.inside(self.grid.shape)
        along, *across = (inside[axis] for axis in self.axes)
        stored = self.packed.read(along.start, max(along.start, along.stop))  # (k, N, a, b)
        part = stored[:, :, across[0], across[1]].movedim(1, 0)  # (N, k, a, b)
        return part.permute(0, *(self.axes.index(axis) + 1 for axis in range(3)))  # (N, x, y, z)

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
        return replace(known, voxel_size_mm=self.grid.voxel_size)


def opened(subject: Subject, entry: Entry, axes: tuple[int, int, int]) -> PreparedSubject:
    """Return the subject that an entry of a cache holds, stored in this order of the axes."""
    notes, stored = json.loads(entry.notes["notes"]), entry.tensors["foreground"]  # (n, a, b)
    inside = stored.permute(*(axes.index(axis) for axis in range(3)))  # (X, Y, Z)
    return PreparedSubject(
        subject,
        tuple(notes["names"]),
        Packed.from_tensors(entry.tensors, (stored.shape[1], stored.shape[2])),
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


def _step(image: Tensor) -> float:
    """Return the step of an image: a power of two, 2^-14 of the next one above its largest magnitude."""
    return math.ldexp(1.0, math.frexp(float(image.abs().max()))[1] - BITS)


def _compressed(multiples: Tensor) -> bytes:
    """Compress multiples of the steps (N, a, b): all high bytes, which differ little, then all low ones."""
    codes = multiples.round().to(torch.int16).numpy().view(np.uint16).ravel()
    packed: bytes = lz4.block.compress(np.concatenate([(codes >> 8).astype(np.uint8), codes.astype(np.uint8)]))
    return packed


def _uncompressed(piece: NDArray[np.uint8]) -> NDArray[np.int16]:
    high, low = np.frombuffer(lz4.block.decompress(piece), dtype=np.uint8).reshape(2, -1)
    codes = np.left_shift(high, 8, dtype=np.uint16)
    codes |= low
    return codes.view(np.int16)
