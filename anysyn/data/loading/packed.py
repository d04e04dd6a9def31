"""Prepared images in sixteen bits, compressed slice by slice."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import lz4.block
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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
