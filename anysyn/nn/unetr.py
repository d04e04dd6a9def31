"""MONAI's modules of the UNETR family, in the one form that UNETR and SwinUNETR use.

Importing MONAI's networks takes seconds, so they are imported when a recipe first needs one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from torch import nn

from anysyn.nn.layout import RatesOnCpu


def swin_transformer(
    dimensions: int,
    inputs: int,
    width: int,
    *,
    window: int,
    depths: Sequence[int],
    heads: Sequence[int],
    version: Literal[1, 2],
) -> Any:
    """Make MONAI's `SwinTransformer`, on the default device, over patches of two voxels along each axis.

    The arguments are those of encoder `swin_unetr`; ``width`` is its ``feature_size``.

    Example:
        >>> import torch
        >>> swin = swin_transformer(2, 1, 12, window=4, depths=(1, 1, 1, 1), heads=(1, 2, 4, 8), version=2)
        >>> [tuple(x.shape[1:]) for x in swin(torch.rand(1, 1, 64, 64))][::2]
        [(12, 32, 32), (48, 8, 8), (192, 2, 2)]
    """
    from monai.networks.nets.swin_unetr import SwinTransformer

    patches, windows = (2,) * dimensions, (window,) * dimensions
    with RatesOnCpu():
        return SwinTransformer(
            inputs, width, windows, patches, depths, heads, spatial_dims=dimensions, use_v2=version == 2
        )


def vision_transformer(
    dimensions: int, inputs: int, *, size: int, patch: int, width: int, hidden: int, layers: int, heads: int
) -> Any:
    """Make MONAI's `ViT` without a head, with learned positions.

    Its blocks contain the norm of an unused cross attention, which is kept, frozen, so that MONAI's weights load.
    The arguments are those of encoder `unetr`; a token has ``patch`` voxels along each axis.

    Example:
        >>> import torch
        >>> vit = vision_transformer(2, 1, size=32, patch=16, width=12, hidden=24, layers=2, heads=3)
        >>> vit(torch.rand(1, 1, 32, 32))[0].shape
        torch.Size([1, 4, 12])
    """
    from monai.networks.nets.vit import ViT

    vit = ViT(inputs, size, patch, width, hidden, layers, heads, spatial_dims=dimensions)
    for block in vit.blocks:
        block.norm_cross_attn.requires_grad_(False)
    return vit


def residual_block(dimensions: int, inputs: int, outputs: int) -> nn.Module:
    """Make MONAI's `UnetrBasicBlock`: two convolutions and a shortcut, with instance normalisation.

    Example:
        >>> import torch
        >>> residual_block(2, 1, 4)(torch.rand(1, 1, 6, 6)).shape
        torch.Size([1, 4, 6, 6])
    """
    from monai.networks.blocks import UnetrBasicBlock

    block: nn.Module = UnetrBasicBlock(
        dimensions, inputs, outputs, kernel_size=3, stride=1, norm_name="instance", res_block=True
    )
    return block


def projection_block(dimensions: int, inputs: int, outputs: int, doublings: int, *, convolved: bool) -> nn.Module:
    """Make MONAI's `UnetrPrUpBlock`: the tokens of a vision transformer, upsampled by repeated doubling.

    Residual blocks follow the doublings after the first if it is ``convolved``.

    Example:
        >>> import torch
        >>> projection_block(2, 8, 4, 2, convolved=True)(torch.rand(1, 8, 3, 3)).shape
        torch.Size([1, 4, 12, 12])
    """
    from monai.networks.blocks import UnetrPrUpBlock

    block: nn.Module = UnetrPrUpBlock(
        dimensions,
        inputs,
        outputs,
        num_layer=doublings - 1,
        kernel_size=3,
        stride=1,
        upsample_kernel_size=2,
        norm_name="instance",
        conv_block=convolved,
        res_block=True,
    )
    return block


def upsampling_block(dimensions: int, inputs: int, outputs: int, stride: int) -> nn.Module:
    """Make MONAI's `UnetrUpBlock`: a transposed convolution, concatenation of the skip, a residual block.

    Example:
        >>> import torch
        >>> upsampling_block(2, 8, 4, 2)(torch.rand(1, 8, 3, 3), torch.rand(1, 4, 6, 6)).shape
        torch.Size([1, 4, 6, 6])
    """
    from monai.networks.blocks import UnetrUpBlock

    block: nn.Module = UnetrUpBlock(
        dimensions, inputs, outputs, kernel_size=3, upsample_kernel_size=stride, norm_name="instance", res_block=True
    )
    return block


def head(dimensions: int, inputs: int, outputs: int) -> nn.Module:
    """Make MONAI's `UnetOutBlock`: a convolution of kernel 1.

    Example:
        >>> import torch
        >>> head(2, 8, 1)(torch.rand(1, 8, 6, 6)).shape
        torch.Size([1, 1, 6, 6])
    """
    from monai.networks.blocks import UnetOutBlock

    block: nn.Module = UnetOutBlock(dimensions, inputs, outputs)
    return block
