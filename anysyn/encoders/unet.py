"""A U-Net encoder in two or three dimensions, and the base of encoders that take the sources together."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from anysyn.bounds import AtLeastOne, Count
from anysyn.nn.blocks import Norm, ResidualBlock, conv, pyramid, pyramid_sites
from anysyn.ops import pick, shown
from anysyn.registry import Given, register
from anysyn.types import Encoder, Features, Modulate, Site, unmodulated

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


@register("encoder", "unet")
class UNetEncoder(JointEncoder):
    """U-Net encoder: residual blocks, each level half the size of the one above.

    Args:
        modalities, dimensions, depth, inputs, sources: As in `JointEncoder`.
        widths: Channels of each level, finest first.
        norm: Normalisation inside the blocks. ``group`` and ``instance`` erase the absolute intensity of an image.

    Example:
        >>> import torch
        >>> encoder = UNetEncoder(modalities=4, dimensions=2, widths=(8, 16))
        >>> features = encoder(torch.rand(3, 4, 16, 16), torch.tensor([[0, 2]] * 3))
        >>> [tuple(skip.shape) for skip in features.skips], tuple(features.deep.shape)
        ([(3, 8, 16, 16)], (3, 16, 8, 8))
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        widths: AtLeastOne[Count] = (32, 64, 128, 256),
        inputs: Inputs = "canvas",
        sources: Count = 1,
        norm: Norm = "none",
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        self.widths = tuple(widths)
        self.strides = tuple(2**i for i in range(len(widths)))
        self.stem = conv(dimensions, self.channels, widths[0])
        self.blocks = nn.ModuleList(
            ResidualBlock(dimensions=dimensions, inputs=a, outputs=b, stride=1 if i == 0 else 2, normalisation=norm)
            for i, (a, b) in enumerate(zip((widths[0], *widths), widths, strict=False))
        )
        inward = (widths[0], *widths[:-1])
        self.sites = [Site("encoder/stem", widths[0]), *pyramid_sites(self.widths, inward)]

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as skips (B, C_i, *S / stride_i), finest first, and the deepest features."""
        x = modulate("encoder/stem", self.stem(x))  # (B, C_0, *S / stride_0)
        return pyramid(self.blocks, x, modulate)
