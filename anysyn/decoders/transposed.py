"""Transposed convolutions from the deepest features to the voxels, without skips: the end of CycleGAN's generator."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from anysyn.decoders.cnn import GridDecoder
from anysyn.nn.blocks import Norm, norm
from anysyn.nn.reflected import reflected
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("decoder", "transposed")
class TransposedDecoder(GridDecoder):
    """Decode the deepest features alone: double the size until the voxels are reached, then a convolution of 7.

    The end of the generators of Johnson et al. (ECCV 2016), CycleGAN, pFLSynth and ResViT. Each doubling halves the
    channels. Those end with a hyperbolic tangent for images from -1 to 1; this one with nothing, like all decoders
    here.

    Args:
        widths: Channels of the encoder's levels, finest first; the deepest features are decoded.
        strides: Strides of the encoder's levels, powers of two.
        dimensions: Voxel axes of the network, 2 or 3.
        modalities: How many modalities the recipe has.
        depth: Slices of a slab; they come out of the head as channels.
        norm: Normalisation after the transposed convolutions.
        outputs: ``one`` image, whose target conditioners alone tell, or the ``canvas`` of all modalities at once.

    Raises:
        ValueError: If the deepest stride is no power of two.

    Example:
        >>> import torch
        >>> decoder = TransposedDecoder(widths=(32,), strides=(4,), dimensions=2)
        >>> decoder(Features((), torch.rand(3, 32, 4, 5)), torch.zeros(3, 1, dtype=torch.long)).shape
        torch.Size([3, 1, 16, 20])
    """

    def __init__(
        self,
        *,
        widths: Given[Sequence[int]],
        strides: Given[Sequence[int]],
        dimensions: Given[int],
        modalities: Given[int] = 1,
        depth: Given[int] = 1,
        norm: Norm = "batch",
        outputs: Literal["one", "canvas"] = "one",
    ) -> None:
        super().__init__()
        doublings = strides[-1].bit_length() - 1
        if strides[-1] != 2**doublings:
            raise ValueError(f"decoder transposed doubles the size, so a stride of {strides[-1]} is out of its reach")
        self.depth, self.every_target = depth, outputs == "canvas"
        images = depth * (modalities if self.every_target else 1)
        inward = [max(1, widths[-1] // 2**n) for n in range(doublings + 1)]
        doubling = [_doubling(dimensions, a, b, norm) for a, b in pairwise(inward)]
        self.blocks = nn.ModuleList([*doubling, reflected(dimensions, inward[-1], images, 7)])
        self.sites = [
            Site("decoder/in", widths[-1], "deep"),
            *(Site(f"decoder/block{n}", channels) for n, channels in enumerate(inward)),
        ]

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Make the images from the features: (B, M or 1 times depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / stride)
        for n, block in enumerate(self.blocks):
            x = block(modulate(f"decoder/block{n}", x))  # (B, M or 1 times depth, *S) after the last
        return x


def _doubling(dimensions: int, inputs: int, outputs: int, normalisation: Norm) -> nn.Sequential:
    layer = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[dimensions]
    bias = normalisation == "none"
    return nn.Sequential(
        layer(inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=bias),
        norm(normalisation, dimensions, outputs),
        nn.ReLU(),
    )
