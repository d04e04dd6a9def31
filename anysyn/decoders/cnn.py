"""A convolutional decoder over a feature pyramid, and what decoders share that answer on the grid of the input."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anysyn.nn.blocks import Norm, ResidualBlock, conv
from anysyn.ops import pick
from anysyn.points import Places, sample_at
from anysyn.registry import Given, register
from anysyn.types import Decoder, Features, Modulate, Site, unmodulated


class GridDecoder(Decoder):
    """Decode on the grid of the input, whatever is asked; elsewhere is interpolated from there.

    One of this kind says by `images` how. It makes one image, whose target conditioners alone tell, or with
    ``every_target`` a canvas of all modalities, from which the targets are taken. ``depth`` is how many slices a slab
    has, 1 where there is none; they come out as channels.

    Example:
        >>> import torch
        >>> class Canvas(GridDecoder):
        ...     depth, every_target = 3, True
        ...     def images(self, features, modulate):
        ...         return features.deep
        >>> features = Features((), torch.rand(2, 4 * 3, 5, 7))  # four modalities, slabs of three slices
        >>> Canvas()(features, torch.tensor([[1, 3]] * 2)).shape
        torch.Size([2, 2, 3, 5, 7])
    """

    depth: int = 1

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Make the images from the features: (B, M or 1 times depth, *S without the slab's axis)."""
        raise NotImplementedError

    def forward(
        self, features: Features, targets: Tensor, modulate: Modulate = unmodulated, places: Places | None = None
    ) -> Tensor:
        """Decode the targets.

        Args:
            features: What the encoder answered.
            targets: (B, K) int64; K is 1 unless one call answers every target.
            modulate: What acts at the sites.
            places: Where to answer; None for the grid of the input.

        Returns:
            (B, K, *S); (B, K, Q) at points, (B, K, *N) on a lattice.
        """
        images = self.images(features, modulate)  # (B, M or 1 times depth, *S without the slab's axis)
        if self.depth > 1:
            images = images.reshape(len(images), -1, self.depth, *images.shape[2:])  # (B, M or 1, *S)
        if self.every_target:
            images = pick(images, targets)  # (B, K, *S)
        return images if places is None else sample_at(images, places)  # (B, K, Q) or (B, K, *N)


def level_sites(widths: Sequence[int], inward: Sequence[int]) -> list[Site]:
    """Name the sites of a decoder that reads every level of the encoder.

    Args:
        widths: Channels of the encoder's levels, finest first.
        inward: Channels that each block of the decoder reads, in their order.

    Example:
        >>> [site.name for site in level_sites((8, 16), (24,))]
        ['decoder/in', 'decoder/skip0', 'decoder/block0']
    """
    return [
        Site("decoder/in", widths[-1], "deep"),
        *(Site(f"decoder/skip{i}", channels, f"skip{i}") for i, channels in enumerate(widths[:-1])),
        *(Site(f"decoder/block{n}", channels) for n, channels in enumerate(inward)),
    ]


@register("decoder", "cnn")
class CNNDecoder(GridDecoder):
    """Decode a feature pyramid level by level: upsample, join the skip, apply a residual block.

    Args:
        widths: Channels of the encoder's levels, finest first.
        dimensions: Voxel axes of the network, 2 or 3.
        depth: Slices of a slab; they come out of the head as channels.
        norm: Normalisation inside the blocks.

    Example:
        >>> decoder = CNNDecoder(widths=(8, 16), dimensions=2)
        >>> features = Features((torch.rand(3, 8, 16, 16),), torch.rand(3, 16, 8, 8))
        >>> decoder(features, torch.zeros(3, 1, dtype=torch.long)).shape
        torch.Size([3, 1, 16, 16])
    """

    def __init__(
        self,
        *,
        widths: Given[Sequence[int]],
        dimensions: Given[int],
        depth: Given[int] = 1,
        norm: Norm = "none",
    ) -> None:
        super().__init__()
        self.depth = depth
        self.mode = {2: "bilinear", 3: "trilinear"}[dimensions]
        self.levels = range(len(widths) - 2, -1, -1)
        self.blocks = nn.ModuleList(
            ResidualBlock(
                dimensions=dimensions, inputs=widths[i + 1] + widths[i], outputs=widths[i], normalisation=norm
            )
            for i in self.levels
        )
        self.head = conv(dimensions, widths[0], depth)
        self.sites = level_sites(widths, [widths[i + 1] + widths[i] for i in self.levels])

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Make the image from the features: (B, depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / deepest stride)
        for n, (i, block) in enumerate(zip(self.levels, self.blocks, strict=True)):
            skip = modulate(f"decoder/skip{i}", features.skips[i])  # (B, C_i, *S / stride_i)
            x = F.interpolate(x, size=skip.shape[2:], mode=self.mode)  # (B, C_i+1, *S / stride_i)
            x = block(modulate(f"decoder/block{n}", torch.cat([x, skip], 1)))  # (B, C_i, *S / stride_i)
        image: Tensor = self.head(x)  # (B, depth, *S without the slab's axis)
        return image
