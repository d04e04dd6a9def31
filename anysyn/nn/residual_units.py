"""MONAI's residual units and convolutions, in the one form that its `UNet` uses: instance norm, then PReLU.

Importing MONAI's networks takes seconds, so they are imported when a recipe first needs one.
"""

from __future__ import annotations

from torch import nn


def residual_unit(
    dimensions: int, inputs: int, outputs: int, *, stride: int = 1, units: int = 2, last_plain: bool = False
) -> nn.Module:
    """Make MONAI's `ResidualUnit`: ``units`` convolutions, each with norm and PReLU, plus one of the input.

    Example:
        >>> import torch
        >>> residual_unit(2, 1, 4, stride=2)(torch.rand(1, 1, 6, 8)).shape
        torch.Size([1, 4, 3, 4])
    """
    from monai.networks.blocks import ResidualUnit

    unit: nn.Module = ResidualUnit(
        dimensions, inputs, outputs, strides=stride, subunits=units, last_conv_only=last_plain
    )
    return unit


def upsampling_convolution(
    dimensions: int, inputs: int, outputs: int, stride: int, *, plain: bool = False
) -> nn.Module:
    """Make MONAI's transposed `Convolution` of kernel 3, with norm and PReLU unless plain.

    Example:
        >>> import torch
        >>> upsampling_convolution(2, 4, 2, 2)(torch.rand(1, 4, 3, 4)).shape
        torch.Size([1, 2, 6, 8])
    """
    from monai.networks.blocks import Convolution

    layer: nn.Module = Convolution(dimensions, inputs, outputs, strides=stride, is_transposed=True, conv_only=plain)
    return layer
