"""MONAI's modules of the diffusion U-Net, in the one form that is used here.

Importing MONAI's networks takes seconds, so it happens where a recipe first needs one of them.
"""

from __future__ import annotations

from torch import Tensor, nn

from anysyn.nn.blocks import conv


class ToldBlock(nn.Module):
    """Apply MONAI's residual block, which adds a projection of what it is told, and attention where it is asked for.

    Args:
        dimensions: 2 or 3.
        inputs: Channels in.
        outputs: Channels out.
        told: Numbers of what it is told.
        groups: Groups of the norms, a divisor of the channels in and out.
        head_width: Channels of an attention head, a divisor of the channels out; 0 for no attention.

    Example:
        >>> import torch
        >>> block = ToldBlock(dimensions=2, inputs=4, outputs=8, told=6, groups=2, head_width=4)
        >>> block(torch.rand(3, 4, 5, 6), torch.rand(3, 6)).shape
        torch.Size([3, 8, 5, 6])
    """

    def __init__(
        self, *, dimensions: int, inputs: int, outputs: int, told: int, groups: int, head_width: int = 0
    ) -> None:
        super().__init__()
        from monai.networks.blocks import SpatialAttentionBlock
        from monai.networks.nets.diffusion_model_unet import DiffusionUNetResnetBlock

        self.resnet = DiffusionUNetResnetBlock(dimensions, inputs, told, outputs, norm_num_groups=groups)
        self.attention = (
            SpatialAttentionBlock(dimensions, outputs, head_width, norm_num_groups=groups)
            if head_width
            else nn.Identity()
        )

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        """Map (B, inputs, *S), told (B, told), to (B, outputs, *S)."""
        out: Tensor = self.attention(self.resnet(x, told))  # (B, outputs, *S)
        return out.contiguous()


def repeated(dimensions: int, channels: int, ratio: int) -> nn.Module:
    """Repeat every voxel, then convolve.

    Args:
        dimensions: 2 or 3.
        channels: Channels in and out.
        ratio: How many times larger the answer is.

    Example:
        >>> import torch
        >>> repeated(2, 4, 2)(torch.rand(1, 4, 3, 5)).shape
        torch.Size([1, 4, 6, 10])
    """
    return nn.Sequential(nn.Upsample(scale_factor=ratio), conv(dimensions, channels, channels))
