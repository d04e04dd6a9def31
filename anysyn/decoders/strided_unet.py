"""The decoder of pix2pix and MM-GAN, in two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from anysyn.bounds import ShareBelowOne
from anysyn.decoders.cnn import GridDecoder, level_sites
from anysyn.nn.blocks import Norm
from anysyn.nn.blocks import norm as normalisation
from anysyn.nn.strided import transposed_conv, upsampling_conv
from anysyn.ops import apply_in_float32
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate

ACTIVATIONS = {"none": nn.Identity, "relu": nn.ReLU, "sigmoid": nn.Sigmoid}


@register("decoder", "strided_unet")
class StridedUNetDecoder(GridDecoder):
    """The decoder of pix2pix: transposed convolutions of kernel 4, each with a norm, and skips concatenated.

    Isola et al., CVPR 2017; with ``{norm: instance, affine: false, rectify: answers, head: repeated, outputs: canvas}``
    the decoder of MM-GAN (Sharma and Hamarneh, TMI 2020).

    Args:
        widths, strides, dimensions, modalities, depth: As in `GridDecoder`, supplied by the build.
        norm: Normalisation after the convolutions. With one image per batch, ``batch`` equals ``instance``.
        affine: Whether the norm learns a scale and an offset per channel.
        dropout: Dropout rate after the blocks of the widest levels.
        rectify: ReLU on the input of a convolution (``into``), and so on the skips too, or on its output (``answers``).
        head: Last layer: a ``transposed`` convolution, or a convolution after nearest-neighbour upsampling
            (``repeated``).
        outputs: ``one`` image, whose target only conditioners determine, or the ``canvas`` of all modalities at once.
        activation: Of the images. ``sigmoid`` is pix2pix's tanh, rescaled from [-1, 1] to [0, 1].

    Example:
        >>> decoder = StridedUNetDecoder(widths=(8, 16), strides=(2, 4), dimensions=2, modalities=4, outputs="canvas")
        >>> features = Features((torch.rand(3, 8, 8, 8),), torch.rand(3, 16, 4, 4))
        >>> decoder(features, torch.tensor([[1, 3]] * 3)).shape
        torch.Size([3, 2, 16, 16])
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
        affine: bool = True,
        dropout: ShareBelowOne = 0.0,
        rectify: Literal["into", "answers"] = "into",
        head: Literal["transposed", "repeated"] = "transposed",
        outputs: Literal["one", "canvas"] = "one",
        activation: Literal["none", "relu", "sigmoid"] = "none",
    ) -> None:
        super().__init__()
        self.depth, self.every_target = depth, outputs == "canvas"
        self.levels = range(len(widths) - 2, -1, -1)
        inward = [widths[-1], *(2 * widths[i] for i in self.levels)]
        self.blocks = nn.ModuleList(
            _block(
                transposed_conv(dimensions, inputs, widths[i], strides[i + 1] // strides[i]),
                normalisation(norm, dimensions, widths[i], affine=affine),
                before=rectify == "into",
                dropout=dropout if widths[i] == max(widths) else 0.0,
            )
            for i, inputs in zip(self.levels, inward, strict=False)
        )
        images = depth * (modalities if self.every_target else 1)
        last = (
            transposed_conv(dimensions, inward[-1], images, strides[0], bias=True)
            if head == "transposed"
            else upsampling_conv(dimensions, inward[-1], images, strides[0])
        )
        entry = nn.ReLU() if rectify == "into" else nn.Identity()
        self.head = nn.Sequential(entry, last, ACTIVATIONS[activation]())
        self.sites = level_sites(widths, inward[:-1])

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Decode the features to images: (B, M or 1 times depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / deepest stride)
        for n, (i, block) in enumerate(zip(self.levels, self.blocks, strict=True)):
            skip = modulate(f"decoder/skip{i}", features.skips[i])  # (B, C_i, *S / stride_i)
            x = block(modulate(f"decoder/block{n}", x))  # (B, C_i, *S / stride_i)
            x = torch.cat([x, skip], 1)  # (B, 2 C_i, *S / stride_i)
        return apply_in_float32(self.head, x)  # (B, M or 1 times depth, *S without the slab's axis)


def _block(enlarge: nn.Module, normalise: nn.Module, *, before: bool, dropout: float) -> nn.Module:
    layers = [nn.ReLU(), enlarge, normalise] if before else [enlarge, normalise, nn.ReLU()]
    return nn.Sequential(*layers, nn.Dropout(dropout))
