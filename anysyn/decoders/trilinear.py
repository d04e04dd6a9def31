"""A decoder that reads one interpolated feature and a coordinate, in two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from anysyn.decoders.implicit import ImplicitDecoder
from anysyn.nn.implicit.trilinear import Coordinates, trilinear, trilinear_inputs
from anysyn.points import Places
from anysyn.registry import Given, register


@register("decoder", "trilinear")
class TrilinearDecoder(ImplicitDecoder):
    """Answer at any place by a perceptron that reads one linearly interpolated feature and where the place is.

    What the published code of TUMSyn does, after ArSSR (Wu et al., 2022); in two dimensions it is bilinear. With
    ``coordinates: absolute``, 768 features and three dimensions it has the published 14,369,025 parameters.
    `anysyn.nn.implicit.trilinear` says how it is evaluated.

    Args:
        widths: Channels of the encoder's levels, finest first; the deepest features are decoded.
        strides: Strides of the encoder's levels, finest first.
        dimensions: Voxel axes of the network, 2 or 3.
        depth: Slices of a slab; the perceptron gives a number for each.
        hidden: Widths of the perceptron's hidden layers.
        coordinates: ``relative`` tells the perceptron where in its voxel the place is, and the size of the voxel that
            is asked for; ``absolute`` tells it where in the tile, as published, so that tiles show.
        chunk: Places at a time: what bounds the memory.
        recompute: Compute each chunk again in the backward pass rather than keep what it needs.

    Raises:
        RecipeError: If there is no hidden layer, or a chunk holds no place.

    Example:
        >>> import torch
        >>> from anysyn.points import lattice
        >>> from anysyn.types import Features
        >>> decoder = TrilinearDecoder(widths=(8,), strides=(1,), dimensions=2, hidden=(16, 16))
        >>> features, target = Features((), torch.rand(3, 8, 10, 12)), torch.zeros(3, 1, dtype=torch.long)
        >>> decoder(features, target, places=lattice([10, 12], onto=[25, 24])).shape
        torch.Size([3, 1, 25, 24])
    """

    def __init__(
        self,
        *,
        widths: Given[Sequence[int]],
        strides: Given[Sequence[int]],
        dimensions: Given[int],
        depth: Given[int] = 1,
        hidden: Sequence[int] = (3072, 3072, 768, 256),
        coordinates: Coordinates = "relative",
        chunk: int = 4096,
        recompute: bool = False,
    ) -> None:
        inputs = trilinear_inputs(widths[-1], dimensions, coordinates)
        super().__init__(widths=widths, strides=strides, depth=depth, hidden=hidden, inputs=inputs, chunk=chunk)
        self.coordinates, self.recompute = coordinates, recompute

    def answer(self, features: Tensor, places: Places) -> Tensor:
        """Interpolate and read: (B, C, *S) to (B, depth, Q) or (B, depth, *N)."""
        return trilinear(
            features, self.imnet, places, coordinates=self.coordinates, chunk=self.chunk, recompute=self.recompute
        )
