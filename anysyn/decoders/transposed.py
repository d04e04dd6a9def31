"""Transposed convolutions from the deepest features to the voxels: the last part of CycleGAN's generator."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from anysyn.decoders.cnn import GridDecoder
from anysyn.nn.blocks import Norm, conv, norm_relu
from anysyn.ops import apply_in_float32
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("decoder", "transposed")
class TransposedDecoder(GridDecoder):
    """ResNet decoder: transposed convolutions up to full size, then a convolution of kernel 7, without skips.

    The last part of the generators of Johnson et al. (ECCV 2016), CycleGAN, pFLSynth and ResViT. Each doubling halves
    the channels; the strides are powers of two. Theirs end with a tanh, for images from -1 to 1; this one has no
    activation, like all decoders here.

    Args:
        widths, strides, dimensions, modalities, depth: As in `GridDecoder`, supplied by the build.
        norm: Normalisation after the transposed convolutions.
        outputs: ``one`` image, whose target only conditioners determine, or the ``canvas`` of all modalities at once.

    Raises:
        ValueError: If the deepest stride is not a power of two.

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
            raise ValueError(f"decoder transposed needs a stride that is a power of two, not {strides[-1]}")
        self.depth, self.every_target = depth, outputs == "canvas"
        images = depth * (modalities if self.every_target else 1)
        inward = [max(1, widths[-1] // 2**n) for n in range(doublings + 1)]
        doubling = [_doubling(dimensions, a, b, norm) for a, b in pairwise(inward)]
        self.blocks = nn.ModuleList([*doubling, conv(dimensions, inward[-1], images, 7, padding_mode="reflect")])
        self.sites = [
            Site("decoder/in", widths[-1], "deep"),
            *(Site(f"decoder/block{n}", channels) for n, channels in enumerate(inward)),
        ]

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Decode the features to images: (B, M or 1 times depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / stride)
        *doublings, last = self.blocks
        for n, block in enumerate(doublings):
            x = block(modulate(f"decoder/block{n}", x))  # (B, C / 2^(n+1), *S / stride_n)
        x = modulate(f"decoder/block{len(doublings)}", x)  # (B, C_0, *S)
        return apply_in_float32(last, x)  # (B, M or 1 times depth, *S without the slab's axis)


def _doubling(dimensions: int, inputs: int, outputs: int, normalisation: Norm) -> nn.Sequential:
    layer = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[dimensions]
    bias = normalisation == "none"
    return nn.Sequential(
        layer(inputs, outputs, 3, stride=2, padding=1, output_padding=1, bias=bias),
        *norm_relu(normalisation, dimensions, outputs),
    )
