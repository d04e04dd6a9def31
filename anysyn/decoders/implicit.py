"""Decoders that answer at any place by a function of the features around it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from anysyn.errors import RecipeError
from anysyn.nn.mlp import MLP
from anysyn.points import Lattice, Places, Points, lattice
from anysyn.types import Decoder, Features, Modulate, Site, unmodulated


class ImplicitDecoder(Decoder):
    """Evaluate a function of the deepest features, and of nothing else, at the places that are asked for.

    Places are relative to the whole image, so the features may lie on a coarser grid than the input; the step is
    counted in their voxels. With slabs the function gives a number for each slice, and places between two slices are
    interpolated.

    Args:
        widths: Channels of the encoder's levels, finest first.
        strides: Strides of the encoder's levels, finest first.
        depth: Slices of a slab.
        hidden: Widths of the perceptron's hidden layers.
        inputs: Numbers that the perceptron reads.
        chunk: Places at a time: what bounds the memory.

    Raises:
        RecipeError: If there is no hidden layer, or a chunk holds no place.
    """

    pointwise = True

    def __init__(
        self,
        *,
        widths: Sequence[int],
        strides: Sequence[int],
        depth: int,
        hidden: Sequence[int],
        inputs: int,
        chunk: int,
    ) -> None:
        super().__init__()
        if not hidden or chunk < 1:
            raise RecipeError(
                f"an implicit decoder needs a hidden layer and a place in a chunk, not {hidden=}, {chunk=}"
            )
        self.stride, self.depth, self.chunk = strides[-1], depth, chunk
        self.imnet = MLP(inputs, hidden, depth)
        self.sites = [Site("decoder/in", widths[-1], "deep")]

    def forward(
        self, features: Features, targets: Tensor, modulate: Modulate = unmodulated, places: Places | None = None
    ) -> Tensor:
        """Decode one target.

        Args:
            features: What the encoder answered.
            targets: (B, 1) int64; which target it is reaches the network through conditioners alone.
            modulate: What acts at the site.
            places: Where to answer; None for the grid of the input.

        Returns:
            (B, 1, *S); (B, 1, Q) at points, (B, 1, *N) on a lattice.
        """
        x = modulate("decoder/in", features.deep)  # (B, C, *S / stride)
        within = self._within(x, places)
        image = self.answer(x, within)  # (B, depth, *S without the slab's axis), (B, depth, Q) or (B, depth, *N)
        if self.depth == 1:
            return image
        return image.unsqueeze(1) if places is None else across(image, places)  # (B, 1, *S), (B, 1, Q) or (B, 1, *N)

    def answer(self, features: Tensor, places: Places) -> Tensor:
        """Evaluate the function: features (B, C, *S) to (B, depth, Q) or (B, depth, *N); steps count their voxels."""
        raise NotImplementedError

    def _within(self, x: Tensor, places: Places | None) -> Places:
        """Return the places within a slice, with the step in voxels of the features."""
        first = 1 if self.depth > 1 else 0
        if places is None:
            return lattice(x.shape[2:], [n * self.stride for n in x.shape[2:]])
        if isinstance(places, Lattice):
            return Lattice(places.axes[first:], tuple(step / self.stride for step in places.step[first:]))
        return Points(places.at[..., first:], places.step[:, first:] / self.stride)


def across(slices: Tensor, places: Places) -> Tensor:
    """Interpolate linearly between the slices of a slab.

    Args:
        slices: (B, depth, Q) at points, (B, depth, *N without its first axis) on a lattice.
        places: Their first axis is that of the slices.

    Returns:
        (B, 1, Q) or (B, 1, *N).

    Example:
        >>> slab = torch.tensor([1.0, 3.0]).reshape(1, 2, 1)
        >>> across(slab, Points(torch.zeros(1, 1, 3), torch.ones(1, 3))).item()
        2.0
    """
    depth = slices.shape[1]
    if isinstance(places, Lattice):
        weights = hat(places.axes[0].to(slices), depth)  # (N_0, depth)
        return torch.einsum("bz...,nz->bn...", slices, weights).unsqueeze(1)  # (B, 1, *N)
    return torch.einsum("bzq,bqz->bq", slices, hat(places.at[..., 0].to(slices), depth)).unsqueeze(1)  # (B, 1, Q)


def hat(at: Tensor, length: int) -> Tensor:
    """Write linear interpolation along one axis as weights: (...) in [-1, 1] to (..., length), which add up to 1.

    Example:
        >>> hat(torch.tensor([0.0, 1.0]), 2).tolist()
        [[0.5, 0.5], [0.0, 1.0]]
    """
    u = ((at + 1) * (length / 2) - 0.5).clamp(0, length - 1)  # (...)
    return (1 - (u.unsqueeze(-1) - torch.arange(length, device=at.device)).abs()).clamp(min=0)  # (..., length)
