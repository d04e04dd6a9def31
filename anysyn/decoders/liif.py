"""The decoder of LIIF, in two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from anysyn.bounds import Count
from anysyn.decoders.implicit import ImplicitDecoder
from anysyn.nn.implicit.liif import liif, liif_inputs, liif_on_grid
from anysyn.points import Places
from anysyn.registry import Given, register


@register("decoder", "liif")
class LIIFDecoder(ImplicitDecoder):
    """Local implicit image function: feature unfolding, local ensemble and cell decoding, in two or three dimensions.

    Chen et al., CVPR 2021; `anysyn.nn.implicit.liif` explains the evaluation. Parameters have the names, shapes and
    meaning of the published code, so published weights load. Their three colours are the three slices of a slab:

        weights = torch.load("edsr-baseline-liif.pth", weights_only=True)["model"]["sd"]
        decoder = LIIFDecoder(widths=(64,), strides=(1,), dimensions=2, depth=3)
        decoder.load_state_dict({key: w for key, w in weights.items() if key.startswith("imnet.")})

    Args:
        widths, strides, dimensions, depth, hidden, chunk, recompute: As in `ImplicitDecoder`.

    Example:
        >>> import torch
        >>> from anysyn.points import lattice
        >>> from anysyn.types import Features
        >>> decoder = LIIFDecoder(widths=(8,), strides=(1,), dimensions=2, hidden=(16, 16))
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
        hidden: Sequence[Count] = (256, 256, 256, 256),
        chunk: Count = 8192,
        recompute: bool = False,
    ) -> None:
        inputs = liif_inputs(widths[-1], dimensions)
        levels = {"widths": widths, "strides": strides}
        super().__init__(**levels, depth=depth, hidden=hidden, inputs=inputs, chunk=chunk, recompute=recompute)

    def evaluate(self, features: Tensor, places: Places) -> Tensor:
        """Evaluate the local implicit image function: (B, C, *S) to (B, depth, Q) or (B, depth, *N)."""
        return liif(features, self.imnet, places, chunk=self.chunk, recompute=self.recompute)

    def on_own_grid(self, features: Tensor) -> Tensor:
        """Evaluate it at the voxels of the features: (B, C, *S) to (B, depth, *S)."""
        return liif_on_grid(features, self.imnet)
