"""Decoders that compute the intensity at any point from the features around it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from anysyn.errors import RecipeError
from anysyn.nn.mlp import MLP
from anysyn.points import Lattice, Places, Points, lattice
from anysyn.types import Decoder, Features, Modulate, Site, unmodulated


class ImplicitDecoder(Decoder):
    """Decoder that evaluates a function of the deepest features at any points; a subclass implements `evaluate`.

    Points are relative to the whole image, so the features may be coarser than the input; the step is in their voxels.
    For slabs the function returns a number for each slice, and points between two slices are interpolated.

    Args:
        widths, strides, depth: As in `GridDecoder`; the slices of a slab are outputs of the MLP.
        hidden: Widths of the MLP's hidden layers.
        inputs: Inputs of the MLP.
        chunk: Points evaluated at a time, which bounds the memory.
        recompute: Compute each chunk again in the backward pass instead of storing its activations.

    Raises:
        RecipeError: If ``hidden`` is empty or ``chunk`` below 1.
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
        recompute: bool,
    ) -> None:
        super().__init__()
        if not hidden or chunk < 1:
            raise RecipeError(
                f"an implicit decoder needs a hidden layer and a place in a chunk, not {hidden=}, {chunk=}"
            )
        self.stride, self.depth, self.chunk, self.recompute = strides[-1], depth, chunk, recompute
        self.imnet = MLP(inputs, hidden, depth)
        self.sites = [Site("decoder/in", widths[-1], "deep")]

    def forward(
        self, features: Features, targets: Tensor, modulate: Modulate = unmodulated, places: Places | None = None
    ) -> Tensor:
        """Decode one target, (B, 1), as `GridDecoder` does; the network knows it through conditioners alone."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / stride)
        if places is None and self.stride == 1 and torch.compiler.is_exporting():  # a lattice is numbers, not a graph
            image = self.on_own_grid(x)  # (B, depth, *S without the slab's axis)
        else:
            image = self.evaluate(x, self._within(x, places))  # or (B, depth, Q), or (B, depth, *N)
        if self.depth == 1:
            return image
        if places is None:
            return image.unsqueeze(1)  # (B, 1, *S)
        return interpolate_slices(image, places)  # (B, 1, Q) or (B, 1, *N)

    def evaluate(self, features: Tensor, places: Places) -> Tensor:
        """Evaluate the function: features (B, C, *S) to (B, depth, Q) or (B, depth, *N); steps are in their voxels."""
        raise NotImplementedError

    def on_own_grid(self, features: Tensor) -> Tensor:
        """Evaluate the function at the centres of the features' voxels, in one graph: (B, C, *S) to (B, depth, *S)."""
        raise NotImplementedError

    def _within(self, x: Tensor, places: Places | None) -> Places:
        """Return the points within a slice, with the step in voxels of the features."""
        first = 1 if self.depth > 1 else 0
        if places is None:
            return lattice(x.shape[2:], [n * self.stride for n in x.shape[2:]])
        if isinstance(places, Lattice):
            return Lattice(places.axes[first:], tuple(step / self.stride for step in places.step[first:]))
        return Points(places.at[..., first:], places.step[:, first:] / self.stride)


def interpolate_slices(slices: Tensor, places: Places) -> Tensor:
    """Interpolate linearly between the slices of a slab.

    Args:
        slices: (B, depth, Q) at points, (B, depth, *N without its first axis) on a lattice.
        places: Points or a lattice whose first axis is that of the slices.

    Returns:
        (B, 1, Q) or (B, 1, *N).

    Example:
        >>> slab = torch.tensor([1.0, 3.0]).reshape(1, 2, 1)
        >>> interpolate_slices(slab, Points(torch.zeros(1, 1, 3), torch.ones(1, 3))).item()
        2.0
    """
    depth = slices.shape[1]
    if isinstance(places, Lattice):
        weights = linear_weights(places.axes[0].to(slices), depth)  # (N_0, depth)
        return torch.einsum("bz...,nz->bn...", slices, weights).unsqueeze(1)  # (B, 1, *N)
    weights = linear_weights(places.at[..., 0].to(slices), depth)  # (B, Q, depth)
    return torch.einsum("bzq,bqz->bq", slices, weights).unsqueeze(1)  # (B, 1, Q)


def linear_weights(at: Tensor, length: int) -> Tensor:
    """Return the weights of linear interpolation along one axis: (...) in [-1, 1] to (..., length), which sum to 1.

    Example:
        >>> linear_weights(torch.tensor([0.0, 1.0]), 2).tolist()
        [[0.5, 0.5], [0.0, 1.0]]
    """
    u = ((at + 1) * (length / 2) - 0.5).clamp(0, length - 1)  # (...)
    return (1 - (u.unsqueeze(-1) - torch.arange(length, device=at.device)).abs()).clamp(min=0)  # (..., length)
