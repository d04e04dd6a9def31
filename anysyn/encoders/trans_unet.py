"""The encoder of TransUNet: a convolutional pyramid with a transformer over its deepest level."""

from __future__ import annotations

from torch import Tensor, nn

from anysyn.bounds import Count, ShareBelowOne
from anysyn.encoders.unet import Inputs, JointEncoder
from anysyn.nn.blocks import Norm, conv, norm, norm_relu, pyramid_sites
from anysyn.nn.transformer import Transformer, VoxelTokens
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site

STRIDE = 16


@register("encoder", "trans_unet")
class TransUNetEncoder(JointEncoder):
    """TransUNet encoder: convolutions down to a sixteenth of the size, then a transformer over all voxels.

    After TransUNet (Chen et al., 2021), in the size that OmniSyn compares with: a stem of stride 2, three bottleneck
    blocks of stride 2, eight post-norm transformer blocks with a class token. With ``inputs: stack`` and the decoder
    ``trans_unet`` it has 67,005,297 parameters.

    Args:
        modalities, dimensions, depth, inputs, sources: As in `JointEncoder`.
        width: Channels of the stem; each block doubles them.
        layers: Transformer blocks.
        heads: Attention heads.
        hidden: Width of the MLPs' hidden layer.
        side: Image side in voxels for which positions are learned; they are interpolated for other sizes.
        dropout: Dropout rate of the transformer's branches.
        norm: Normalisation after the convolutions.

    Raises:
        ValueError: If the side is not a multiple of 16, or the heads do not divide the channels.

    Example:
        >>> import torch
        >>> encoder = TransUNetEncoder(modalities=4, dimensions=2, width=8, layers=1, hidden=16, side=64)
        >>> features = encoder(torch.rand(3, 4, 32, 48), torch.tensor([[0, 2]] * 3))
        >>> [x.shape[1] for x in features.skips], tuple(features.deep.shape)
        ([8, 16, 32], (3, 32, 2, 3))
    """

    strides = (2, 4, 8, STRIDE)

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        width: Count = 128,
        layers: Count = 8,
        heads: Count = 4,
        hidden: Count = 512,
        side: Count = 224,
        dropout: ShareBelowOne = 0.0,
        norm: Norm = "batch",
        inputs: Inputs = "canvas",
        sources: Count = 1,
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        if side % STRIDE:
            raise ValueError(f"side: {side} is no multiple of {STRIDE} voxels")
        self.widths, wide = (width, 2 * width, 4 * width, 4 * width), 8 * width
        self.sites = [Site("encoder/stem", self.widths[0]), *pyramid_sites(self.widths, (*self.widths[:-1], wide))]
        self.stem = conv(dimensions, self.channels, width, 7, stride=2, bias=norm == "none")
        self.stem_end = nn.Sequential(*norm_relu(norm, dimensions, width))
        self.blocks = nn.ModuleList(
            BottleneckBlock(dimensions=dimensions, inputs=inputs, outputs=2 * inputs, normalisation=norm)
            for inputs in (width, 2 * width, 4 * width)
        )
        self.tokens = VoxelTokens(dimensions=dimensions, inputs=wide, width=wide, side=side // STRIDE, class_token=True)
        self.transformer = Transformer(
            width=wide, layers=layers, heads=heads, hidden=hidden, norm_first=False, bias=False, dropout=dropout
        )
        self.last = nn.Sequential(conv(dimensions, wide, 4 * width), *norm_relu(norm, dimensions, 4 * width))

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as skips (B, C_i, *S / stride_i), finest first, and the deepest features."""
        x = self.stem_end(modulate("encoder/stem", self.stem(x)))  # (B, C_0, *S / 2)
        levels = [x]
        for i, block in enumerate(self.blocks):
            x = block(modulate(f"encoder/block{i}", x))  # (B, 2^(i + 1) C_0, *S / 2^(i + 2))
            levels.append(x)
        skips = tuple(modulate(f"encoder/skip{i}", level) for i, level in enumerate(levels[:-1]))
        tokens = self.tokens(modulate("encoder/block3", x))  # (B, 1 + N, 8 C_0)
        x = self.tokens.maps(self.transformer(tokens), x.shape[2:])  # (B, 8 C_0, *S / 16)
        return Features(skips, modulate("encoder/out", self.last(x)))


class BottleneckBlock(nn.Module):
    """Bottleneck block of stride 2: convolutions of 1, 3 and 1 voxels and a shortcut (He et al., CVPR 2016).

    Args:
        outputs: Channels out, and between.
        normalisation: Normalisation after each convolution.

    Example:
        >>> import torch
        >>> block = BottleneckBlock(dimensions=2, inputs=4, outputs=8, normalisation="batch")
        >>> block(torch.rand(2, 4, 6, 8)).shape
        torch.Size([2, 8, 3, 4])
    """

    def __init__(self, *, dimensions: int, inputs: int, outputs: int, normalisation: Norm) -> None:
        super().__init__()
        bias = normalisation == "none"
        self.body = nn.Sequential(
            conv(dimensions, inputs, outputs, 1, bias=bias),
            *norm_relu(normalisation, dimensions, outputs),
            conv(dimensions, outputs, outputs, stride=2, bias=bias),
            *norm_relu(normalisation, dimensions, outputs),
            conv(dimensions, outputs, outputs, 1, bias=bias),
            norm(normalisation, dimensions, outputs),
        )
        self.shortcut = nn.Sequential(
            conv(dimensions, inputs, outputs, 1, stride=2, bias=bias), norm(normalisation, dimensions, outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, *S) to (B, outputs, *S / 2)."""
        return nn.functional.relu(self.body(x) + self.shortcut(x))  # (B, outputs, *S / 2)
