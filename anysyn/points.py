"""Query points of a decoder: any points, or a lattice of any voxel size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Points(NamedTuple):
    """Arbitrary query points.

    Args:
        at: (B, Q, d) in [-1, 1], from one end of the image to the other, in the order of *S, as `grid` returns them.
        step: (B, d) edges of the queried voxels, in voxels of the input: 1 at its own size, 0.5 at half.
    """

    at: Tensor
    step: Tensor

    def take(self, rows: slice | Tensor) -> Points:
        """Return the points of some of the samples."""
        return Points(self.at[rows], self.step[rows])

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> Points:
        """Move the tensors to a device; those in pinned memory need not be waited for."""
        return Points(*(part.to(device, non_blocking=non_blocking) for part in (self.at, self.step)))

    def padded(self, size: Sequence[int], padded: Sequence[int]) -> Points:
        """Return the same points in the coordinates of an image that was padded at the ends of its axes.

        Args:
            size: Voxels of the image.
            padded: Voxels of the padded image.

        Example:
            >>> Points(torch.tensor([[[1.0]]]), torch.ones(1, 1)).padded([6], [8]).at.item()
            0.5
        """
        ratios = [n / more for n, more in zip(size, padded, strict=True)]
        pairs = zip(self.at.unbind(-1), ratios, strict=True)
        return Points(torch.stack([(along + 1) * ratio - 1 for along, ratio in pairs], -1), self.step)


class Lattice(NamedTuple):
    """Query points on a regular grid, the same for all samples.

    Args:
        axes: d tensors (n_i,): coordinates along each axis, in [-1, 1], in the order of *S.
        step: Edges of the queried voxels, in voxels of the input: 1 at its own size, 0.5 at half.
    """

    axes: tuple[Tensor, ...]
    step: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the number of points along each axis: *N."""
        return tuple(len(axis) for axis in self.axes)

    def take(self, rows: slice | Tensor) -> Lattice:
        """Return the lattice of some of the samples: itself."""
        return self

    def to(self, device: torch.device | str) -> Lattice:
        """Move the tensors to a device."""
        return Lattice(tuple(axis.to(device) for axis in self.axes), self.step)

    def padded(self, size: Sequence[int], padded: Sequence[int]) -> Lattice:
        """Return the same lattice in the coordinates of a padded image, as `Points.padded`."""
        pairs = zip(self.axes, size, padded, strict=True)
        return Lattice(tuple((axis + 1) * (n / more) - 1 for axis, n, more in pairs), self.step)

    def points(self, samples: int) -> Points:
        """List the points row by row, for each sample.

        Example:
            >>> lattice([1, 2], onto=[2, 3]).points(samples=4).at.shape
            torch.Size([4, 6, 2])
        """
        at = torch.stack(torch.meshgrid(*self.axes, indexing="ij"), -1).flatten(0, -2)  # (Q, d)
        step = torch.tensor(self.step, dtype=at.dtype, device=at.device)  # (d,)
        return Points(at.expand(samples, -1, -1), step.expand(samples, -1))


Places = Points | Lattice


def centres(length: int, device: torch.device | str = "cpu") -> Tensor:
    """List the voxel centres of one axis in [-1, 1]: ``(2 i + 1) / n - 1``.

    Example:
        >>> centres(2).tolist()
        [-0.5, 0.5]
    """
    return (torch.arange(length, device=device) + 0.5) / length * 2 - 1


def lattice(shape: Sequence[int], onto: Sequence[int] | None = None, device: torch.device | str = "cpu") -> Lattice:
    """Return a regular grid over the field of view of an image.

    Args:
        shape: Voxels of the image along its d axes.
        onto: Voxels of the grid along them; those of the image by default.
        device: Device of the coordinates.

    Example:
        >>> lattice([4], onto=[8]).step
        (0.5,)
    """
    wanted = shape if onto is None else onto
    step = tuple(n / new for n, new in zip(shape, wanted, strict=True))
    return Lattice(tuple(centres(n, device) for n in wanted), step)


def grid(shape: Sequence[int], device: torch.device | str = "cpu") -> Tensor:
    """List the voxel centres of an image with d axes in [-1, 1], row by row: (1, prod(shape), d).

    Example:
        >>> grid([2]).flatten().tolist()
        [-0.5, 0.5]
    """
    return lattice(shape, device=device).points(samples=1).at  # (1, Q, d)


def sample_at(image: Tensor, places: Places, padding: Literal["border", "zeros"] = "border") -> Tensor:
    """Interpolate an image linearly at query points.

    Args:
        image: (B, C, *S) with two or three voxel axes.
        places: Points or a lattice.
        padding: What lies beyond the outermost voxel centres: the value at the border, or zeros one voxel further on.

    Returns:
        (B, C, Q) at points, (B, C, *N) on a lattice.

    Raises:
        ValueError: If the points have another number of axes.

    Example:
        >>> image = torch.rand(1, 2, 5, 7)
        >>> torch.allclose(sample_at(image, lattice([5, 7])), image, atol=1e-5)
        True
    """
    if isinstance(places, Lattice):
        listed = sample_at(image, places.points(len(image)), padding)  # (B, C, Q)
        return listed.reshape(*listed.shape[:2], *places.shape)  # (B, C, *N)
    dims = image.ndim - 2
    if places.at.shape[-1] != dims:
        raise ValueError(f"points have {places.at.shape[-1]} coordinates, the image has {dims} voxel axes")
    at = places.at.flip(-1)  # grid_sample wants x, y, z where our axes are z, y, x
    at = at.reshape(at.shape[0], at.shape[1], *(1,) * (dims - 1), dims)  # (B, Q, 1, [1,] d)
    values = F.grid_sample(image, at.to(image.dtype), align_corners=False, padding_mode=padding)  # (B, C, Q, 1 [,1])
    return values.flatten(2)  # (B, C, Q)
