"""Encoders that see the sources together, as the channels of one image."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from anysyn.ops import pick, shown
from anysyn.types import Encoder, Features, Modulate, unmodulated

Inputs = Literal["canvas", "stack"]


def channel_count(inputs: Inputs, *, modalities: int, sources: int, depth: int) -> int:
    """Count the input channels of an encoder.

    Args:
        inputs: ``canvas`` has one channel for each modality, ``stack`` one for each source.
        modalities: How many modalities the recipe has.
        sources: Sources of a query, read by ``stack`` alone.
        depth: Slices of a slab; they become channels.

    Example:
        >>> channel_count("canvas", modalities=4, sources=1, depth=3), channel_count(
        ...     "stack", modalities=4, sources=1, depth=1
        ... )
        (12, 1)
    """
    return depth * (modalities if inputs == "canvas" else sources)


def source_channels(images: Tensor, sources: Tensor, inputs: Inputs, *, depth: int, expected: int) -> Tensor:
    """Lay the sources out as channels.

    Args:
        images: (B, M, *S); for slabs *S is depth, height, width.
        sources: (B, J) int64.
        inputs: ``canvas`` shows one channel for each modality, zero where it is not a source; ``stack`` shows the
            sources alone, in the order of the query.
        depth: Slices of a slab; 1 for slices and patches.
        expected: Channels that the encoder was built for.

    Returns:
        (B, expected, *S), for slabs without the axis of their slices.

    Raises:
        ValueError: If the query shows another number of channels.

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
            f"the encoder was built for {expected} input channels but is shown {x.shape[1]}; "
            "`inputs: canvas` takes any number of sources, `inputs: stack` takes `sources` of them"
        )
    return x


class JointEncoder(Encoder):
    """Encode the sources together, as the channels of one image; one of this kind says by `encode` how.

    ``inputs``, ``depth`` and ``channels`` are what `source_channels` is told.

    Example:
        >>> import torch
        >>> class Copying(JointEncoder):
        ...     inputs, depth, channels = "stack", 3, 6
        ...     def encode(self, x, modulate):
        ...         return Features((), x)
        >>> Copying()(torch.rand(2, 4, 3, 8, 8), torch.tensor([[0, 2]] * 2)).deep.shape  # slabs of three slices
        torch.Size([2, 6, 8, 8])
    """

    inputs: Inputs
    depth: int
    channels: int

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode the channels (B, channels, *S); each length is a multiple of the deepest stride."""
        raise NotImplementedError

    def forward(self, images: Tensor, sources: Tensor, modulate: Modulate = unmodulated) -> Features:
        """Encode the sources.

        Args:
            images: (B, M, *S); for slabs *S is depth, height, width. Lengths that the network sees are multiples of the
                deepest stride.
            sources: (B, J) int64.
            modulate: What acts at the sites.

        Returns:
            Skips (B, C_i, *S / stride_i), finest first, and the deepest features; for slabs without the axis of their
            slices.

        Raises:
            ValueError: If the query shows another number of channels.
        """
        x = source_channels(images, sources, self.inputs, depth=self.depth, expected=self.channels)  # (B, channels, *S)
        return self.encode(x, modulate)
