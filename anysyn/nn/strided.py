"""Widths and convolutions of pix2pix, in two or three dimensions."""

from __future__ import annotations

from torch import nn

from anysyn.nn.blocks import conv

SLOPE = 0.2  # of the leaky ReLUs


def strided_widths(levels: int, width: int) -> tuple[int, ...]:
    """Return the channels of each level: doubled at each level, up to eight times the first.

    Example:
        >>> strided_widths(6, 64)
        (64, 128, 256, 512, 512, 512)
    """
    return tuple(width * min(2**i, 8) for i in range(levels))


def transposed_conv(dimensions: int, inputs: int, outputs: int, ratio: int, *, bias: bool = False) -> nn.Module:
    """Make a transposed convolution whose kernel is twice the ratio, 1 or even; a convolution of kernel 3 at ratio 1.

    Example:
        >>> import torch
        >>> transposed_conv(2, 4, 1, 2)(torch.rand(1, 4, 4, 3)).shape
        torch.Size([1, 1, 8, 6])
    """
    if ratio == 1:
        return conv(dimensions, inputs, outputs, bias=bias)
    layer = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}[dimensions]
    return layer(inputs, outputs, 2 * ratio, stride=ratio, padding=ratio // 2, bias=bias)


def upsampling_conv(dimensions: int, inputs: int, outputs: int, ratio: int) -> nn.Module:
    """Make nearest-neighbour upsampling and a convolution of kernel 4, which avoids checkerboard artefacts.

    Example:
        >>> import torch
        >>> upsampling_conv(3, 4, 1, 2)(torch.rand(1, 4, 2, 3, 2)).shape
        torch.Size([1, 1, 4, 6, 4])
    """
    layer, pad = {2: (nn.Conv2d, nn.ZeroPad2d((2, 1) * 2)), 3: (nn.Conv3d, nn.ZeroPad3d((2, 1) * 3))}[dimensions]
    # An even kernel needs one more voxel of padding on one side.
    return nn.Sequential(nn.Upsample(scale_factor=ratio), pad, layer(inputs, outputs, 4))
