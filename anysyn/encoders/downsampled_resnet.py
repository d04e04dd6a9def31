"""Residual blocks after a few halvings, in two or three dimensions: the first part of CycleGAN's generator."""

from __future__ import annotations

from torch import Tensor, nn

from anysyn.bounds import Count, Halvings
from anysyn.encoders.unet import Inputs, JointEncoder
from anysyn.nn.blocks import Norm, conv, norm_relu
from anysyn.nn.reflected import ReflectedBlock
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("encoder", "downsampled_resnet")
class DownsampledResNetEncoder(JointEncoder):
    """ResNet encoder: a few convolutions of stride 2, then residual blocks at that size, without skips.

    The generator of Johnson et al. (ECCV 2016) and CycleGAN (Zhu et al., ICCV 2017) without its upsampling, which is
    the decoder ``transposed``; together they have 11,370,881 parameters with ``inputs: stack`` and batch norm, like the
    convolutional half of ResViT. The first ``halvings`` blocks are convolutions of stride 2, the others residual.

    Args:
        modalities, dimensions, depth, inputs, sources: As in `JointEncoder`.
        width: Channels at full size; each halving doubles them.
        halvings: Convolutions of stride 2.
        blocks: Residual blocks.
        norm: Normalisation after the convolutions.

    Example:
        >>> import torch
        >>> encoder = DownsampledResNetEncoder(modalities=4, dimensions=2, width=8, blocks=2)
        >>> features = encoder(torch.rand(3, 4, 32, 48), torch.tensor([[0, 2]] * 3))
        >>> features.skips, tuple(features.deep.shape)
        ((), (3, 32, 8, 12))
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        width: Count = 64,
        halvings: Halvings = 2,
        blocks: Count = 9,
        norm: Norm = "batch",
        inputs: Inputs = "canvas",
        sources: Count = 1,
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        self.halvings = halvings
        self.widths, self.strides = (width * 2**halvings,), (2**halvings,)
        self.stem = conv(dimensions, self.channels, width, 7, bias=norm == "none", padding_mode="reflect")
        self.stem_end = nn.Sequential(*norm_relu(norm, dimensions, width))
        halving = [_halving(dimensions, width * 2**i, norm) for i in range(halvings)]
        residual = [
            ReflectedBlock(dimensions=dimensions, channels=self.widths[0], normalisation=norm) for _ in range(blocks)
        ]
        self.blocks = nn.ModuleList([*halving, *residual])
        inward = [width * 2 ** min(i, halvings) for i in range(halvings + blocks)]
        self.sites = [
            Site("encoder/stem", width),
            *(Site(f"encoder/block{i}", channels) for i, channels in enumerate(inward)),
            Site("encoder/out", self.widths[0], "deep"),
        ]

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as the deepest features (B, C, *S / stride), without skips."""
        x = self.stem_end(modulate("encoder/stem", self.stem(x)))  # (B, C_0, *S)
        for i in range(len(self.blocks)):
            x = self.block(i, modulate(f"encoder/block{i}", x))  # (B, C, *S / stride) after the halvings
        return Features((), modulate("encoder/out", x))

    def block(self, number: int, x: Tensor) -> Tensor:
        """Apply one block; subclasses add to some of them here."""
        y: Tensor = self.blocks[number](x)
        return y


def _halving(dimensions: int, width: int, normalisation: Norm) -> nn.Sequential:
    halved = conv(dimensions, width, 2 * width, stride=2, bias=normalisation == "none")
    return nn.Sequential(halved, *norm_relu(normalisation, dimensions, 2 * width))
