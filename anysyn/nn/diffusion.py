"""MONAI's modules of the diffusion U-Net, in the one form that is used here.

Importing MONAI's networks takes seconds, so they are imported when a recipe first needs one.
"""

from __future__ import annotations

from torch import Tensor, nn

from anysyn.nn.blocks import conv


class EmbeddingBlock(nn.Module):
    """MONAI's residual block, which adds a projection of an embedding, followed by optional attention.

    Args:
        embedding: Width of the embedding.
        groups: Groups of the group norms, a divisor of the channels in and out.
        head_width: Channels of an attention head, a divisor of the channels out; 0 for no attention.

    Example:
        >>> import torch
        >>> block = EmbeddingBlock(dimensions=2, inputs=4, outputs=8, embedding=6, groups=2, head_width=4)
        >>> block(torch.rand(3, 4, 5, 6), torch.rand(3, 6)).shape
        torch.Size([3, 8, 5, 6])
    """

    def __init__(
        self, *, dimensions: int, inputs: int, outputs: int, embedding: int, groups: int, head_width: int = 0
    ) -> None:
        super().__init__()
        from monai.networks.blocks import SpatialAttentionBlock
        from monai.networks.nets.diffusion_model_unet import DiffusionUNetResnetBlock

        self.resnet = DiffusionUNetResnetBlock(dimensions, inputs, embedding, outputs, norm_num_groups=groups)
        self.attention = (
            SpatialAttentionBlock(dimensions, outputs, head_width, norm_num_groups=groups)
            if head_width
            else nn.Identity()
        )

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """Map (B, inputs, *S) and the embedding (B, E) to (B, outputs, *S)."""
        y: Tensor = self.attention(self.resnet(x, embedding))  # (B, outputs, *S)
        return y.contiguous()


def upsampling_conv(dimensions: int, channels: int, ratio: int) -> nn.Module:
    """Make nearest-neighbour upsampling with a convolution after it.

    Example:
        >>> import torch
        >>> upsampling_conv(2, 4, 2)(torch.rand(1, 4, 3, 5)).shape
        torch.Size([1, 4, 6, 10])
    """
    return nn.Sequential(nn.Upsample(scale_factor=ratio), conv(dimensions, channels, channels))
