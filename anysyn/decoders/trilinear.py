"""The decoder of TUMSyn's published code, in two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from anysyn.bounds import Count
from anysyn.decoders.implicit import ImplicitDecoder
from anysyn.nn.implicit.corners import Padding
from anysyn.nn.implicit.trilinear import Coordinates, trilinear, trilinear_inputs, trilinear_on_grid
from anysyn.points import Places
from anysyn.registry import Given, register


@register("decoder", "trilinear")
class TrilinearDecoder(ImplicitDecoder):
    """MLP that reads the linearly interpolated features of a point and its coordinates.

    As in the published code of TUMSyn, after ArSSR (Wu et al., 2022); in two dimensions it is bilinear. With
    ``coordinates: absolute``, 768 features and three dimensions it has the published 14,369,025 parameters.
    `anysyn.nn.implicit.trilinear` explains the evaluation.

    Args:
        widths, strides, dimensions, depth, hidden, chunk, recompute: As in `ImplicitDecoder`.
        coordinates: ``relative`` is the position within the voxel, with the output voxel size; ``absolute`` the
            position within the tile, as published, which makes tile borders visible.
        padding: What features are beyond the outermost voxel centres: ``border``, as there, or ``zeros``, as published,
            which darkens the rim of a tile that is answered more finely.

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
        hidden: Sequence[Count] = (3072, 3072, 768, 256),
        coordinates: Coordinates = "relative",
        padding: Padding = "border",
        chunk: Count = 4096,
        recompute: bool = False,
    ) -> None:
        inputs = trilinear_inputs(widths[-1], dimensions, coordinates)
        levels = {"widths": widths, "strides": strides}
        super().__init__(**levels, depth=depth, hidden=hidden, inputs=inputs, chunk=chunk, recompute=recompute)
        self.coordinates, self.padding = coordinates, padding

    def evaluate(self, features: Tensor, places: Places) -> Tensor:
        """Interpolate the features and apply the MLP: (B, C, *S) to (B, depth, Q) or (B, depth, *N)."""
        options = {"coordinates": self.coordinates, "padding": self.padding, "recompute": self.recompute}
        return trilinear(features, self.imnet, places, chunk=self.chunk, **options)  # type: ignore[arg-type]

    def on_own_grid(self, features: Tensor) -> Tensor:
        """Apply the MLP to the features of each voxel: (B, C, *S) to (B, depth, *S)."""
        return trilinear_on_grid(features, self.imnet, coordinates=self.coordinates)
