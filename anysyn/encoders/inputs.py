"""Encoders that take the sources together, as the channels of one image."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from anysyn.ops import pick, shown
from anysyn.types import Encoder, Features, Modulate, unmodulated

Inputs = Literal["canvas", "stack"]


def source_channels(images: Tensor, sources: Tensor, inputs: Inputs, *, depth: int, expected: int) -> Tensor:
    """Arrange the sources as channels.

    Args:
        images: (B, M, *S); for slabs *S is depth, height, width.
        sources: (B, J) int64.
        inputs: ``canvas``: a channel per modality, zero if it is no source; ``stack``: the sources, in query order.
        depth: Slices of a slab; 1 for slices and patches.
        expected: Channels that the encoder was built for.

    Returns:
        (B, expected, *S); a slab loses the axis of its slices.

    Raises:
        ValueError: If the query has another number of channels.

    Example:
        >>> import torch
        >>> slabs, sources = torch.rand(2, 4, 3, 8, 8), torch.tensor([[1], [2]])
        >>> source_channels(slabs, sources, "stack", depth=3, expected=3).shape
        torch.Size([2, 3, 8, 8])
    """
    x = shown(images, sources) if inputs == "canvas" else pick(images, sources)  # (B, M or J, *S)
    if depth > 1:
        x = x.flatten(1, 2)  # (B, M or J times depth, H, W)
    if x.shape[1] != expected:
        raise ValueError(
            f"the encoder was built for {expected} input channels but the query has {x.shape[1]}; "
            "`inputs: canvas` takes any number of sources, `inputs: stack` takes `sources` of them"
        )
    return x


class JointEncoder(Encoder):
    """Encoder that takes the sources together, as the channels of one image; a subclass implements `encode`.

    Args:
        modalities: Number of modalities in the recipe.
        dimensions: Voxel axes of the network, 2 or 3.
        depth: Slices of a slab, which become channels; 1 for slices and patches.
        inputs: ``canvas``: a channel per modality, zero if it is no source, for any number of sources; ``stack``: the
            sources alone, in the order of the query.
        sources: Number of sources of a query, for ``stack``.

    Example:
        >>> import torch
        >>> class Identity(JointEncoder):
        ...     def encode(self, x, modulate):
        ...         return Features((), x)
        >>> encoder = Identity(modalities=4, dimensions=2, depth=3, inputs="stack", sources=2)
        >>> encoder(torch.rand(2, 4, 3, 8, 8), torch.tensor([[0, 2]] * 2)).deep.shape  # slabs of three slices
        torch.Size([2, 6, 8, 8])
    """

    def __init__(
        self, *, modalities: int, dimensions: int, depth: int = 1, inputs: Inputs = "canvas", sources: int = 1
    ) -> None:
        super().__init__()
        self.dimensions, self.depth, self.inputs = dimensions, depth, inputs
        self.channels = depth * (modalities if inputs == "canvas" else sources)

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode channels (B, channels, *S); each length is a multiple of the deepest stride."""
        raise NotImplementedError

    def forward(self, images: Tensor, sources: Tensor, modulate: Modulate = unmodulated) -> Features:
        """Encode the sources.

        Args:
            images: (B, M, *S); for slabs *S is depth, height, width. The network's axes are multiples of the deepest
                stride.
            sources: (B, J) int64.
            modulate: Applied at the sites.

        Returns:
            Skips (B, C_i, *S / stride_i), finest first, and the deepest features, without the axis of a slab's slices.

        Raises:
            ValueError: If the query has another number of channels.
        """
        x = source_channels(images, sources, self.inputs, depth=self.depth, expected=self.channels)  # (B, channels, *S)
        return self.encode(x, modulate)
