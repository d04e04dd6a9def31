"""How the sources become the input channels of an encoder."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from anysyn.ops import pick, shown

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
