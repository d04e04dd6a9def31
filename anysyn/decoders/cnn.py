"""A convolutional decoder over a feature pyramid, and the base of decoders on the grid of the input."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anysyn.nn.blocks import Norm, ResidualBlock, conv
from anysyn.ops import apply_in_float32, pick
from anysyn.points import Places, sample_at
from anysyn.registry import Given, register
from anysyn.types import Decoder, Features, Modulate, Site, unmodulated


class GridDecoder(Decoder):
    """Decoder on the grid of the input; values at other points are interpolated. A subclass implements `images`.

    It computes one image, whose target it knows through conditioners alone, or with ``every_target`` a canvas of all
    modalities, from which the targets are taken. The build supplies the constructors with some of these:

    - ``widths`` and ``strides``: channels and strides of the encoder's levels, finest first; each stride divides the
      next.
    - ``dimensions``: voxel axes of the network, 2 or 3.
    - ``modalities``: number of modalities in the recipe.
    - ``depth``: slices of a slab, which are output channels; 1 for slices and patches.

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
        """Decode the features to images: (B, M or 1 times depth, *S without the slab's axis)."""
        raise NotImplementedError

    def forward(
        self, features: Features, targets: Tensor, modulate: Modulate = unmodulated, places: Places | None = None
    ) -> Tensor:
        """Decode the targets.

        Args:
            features: The encoder's output.
            targets: (B, K) int64; K is 1 unless one call decodes every target.
            modulate: Applied at the sites.
            places: Points or a lattice; None for the grid of the input.

        Returns:
            (B, K, *S); (B, K, Q) at points, (B, K, *N) on a lattice.
        """
        images = self.images(features, modulate)  # (B, M or 1 times depth, *S without the slab's axis)
        if self.depth > 1:
            images = images.reshape(images.shape[0], -1, self.depth, *images.shape[2:])  # (B, M or 1, *S)
        if self.every_target:
            images = pick(images, targets)  # (B, K, *S)
        return images if places is None else sample_at(images, places)  # (B, K, Q) or (B, K, *N)


def level_sites(widths: Sequence[int], inward: Sequence[int]) -> list[Site]:
    """List the sites of a decoder, given the channels of the encoder's levels and the input channels of its blocks.

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
    """U-Net decoder: at each level upsample, concatenate the skip, apply a residual block.

    Args:
        widths, dimensions, depth, modalities: As in `GridDecoder`, supplied by the build.
        norm: Normalisation inside the blocks.
        outputs: ``one`` image, whose target only conditioners determine, or the ``canvas`` of all modalities at once.

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
        modalities: Given[int] = 1,
        norm: Norm = "none",
        outputs: Literal["one", "canvas"] = "one",
    ) -> None:
        super().__init__()
        self.depth, self.every_target = depth, outputs == "canvas"
        self.mode = {2: "bilinear", 3: "trilinear"}[dimensions]
        self.levels = range(len(widths) - 2, -1, -1)
        self.blocks = nn.ModuleList(
            ResidualBlock(
                dimensions=dimensions, inputs=widths[i + 1] + widths[i], outputs=widths[i], normalisation=norm
            )
            for i in self.levels
        )
        self.head = conv(dimensions, widths[0], depth * (modalities if self.every_target else 1))
        self.sites = level_sites(widths, [widths[i + 1] + widths[i] for i in self.levels])

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Decode the features: (B, M or 1 times depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / deepest stride)
        for n, (i, block) in enumerate(zip(self.levels, self.blocks, strict=True)):
            skip = modulate(f"decoder/skip{i}", features.skips[i])  # (B, C_i, *S / stride_i)
            x = F.interpolate(x, size=skip.shape[2:], mode=self.mode)  # (B, C_i+1, *S / stride_i)
            x = block(modulate(f"decoder/block{n}", torch.cat([x, skip], 1)))  # (B, C_i, *S / stride_i)
        return apply_in_float32(self.head, x)  # (B, M or 1 times depth, *S without the slab's axis)
