"""The convolutional decoder of UNETR and SwinUNETR, in two or three dimensions, built from MONAI's modules."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from anysyn.decoders.cnn import GridDecoder, level_sites
from anysyn.nn.unetr import head, upsampling_block
from anysyn.ops import apply_in_float32
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate


@register("decoder", "unetr")
@register("decoder", "swin_unetr")
class SwinUNETRDecoder(GridDecoder):
    """Decoder of UNETR and SwinUNETR: transposed convolutions, each followed by the skip and a residual block.

    Hatamizadeh et al., 2021; one decoder under two names, built from MONAI's modules. Block ``decoder{i + 1}`` joins
    skip i, as in `monai.networks.nets.SwinUNETR`, so its weights load (MONAI's UNETR calls it ``decoder{i + 2}``).

    Instance norm follows every convolution of a block and removes what is constant over the voxels. So a shift of whole
    channels (``add``) has no effect at ``decoder/skip*``, except at the borders; at ``decoder/in`` and
    ``decoder/block*`` it has one, because the transposed convolution spreads it unevenly. A scale (``film``) always
    has one.

    Args:
        widths, strides, dimensions, depth: As in `GridDecoder`, supplied by the build.

    Example:
        >>> import torch
        >>> decoder = SwinUNETRDecoder(widths=(8, 16), strides=(1, 2), dimensions=2)
        >>> features = Features((torch.rand(3, 8, 16, 16),), torch.rand(3, 16, 8, 8))
        >>> decoder(features, torch.zeros(3, 1, dtype=torch.long)).shape
        torch.Size([3, 1, 16, 16])
    """

    def __init__(
        self,
        *,
        widths: Given[Sequence[int]],
        strides: Given[Sequence[int]],
        dimensions: Given[int],
        depth: Given[int] = 1,
    ) -> None:
        super().__init__()
        self.depth = depth
        self.levels = range(len(widths) - 2, -1, -1)
        for i in self.levels:
            block = upsampling_block(dimensions, widths[i + 1], widths[i], strides[i + 1] // strides[i])
            self.add_module(f"decoder{i + 1}", block)
        self.out = head(dimensions, widths[0], depth)
        self.sites = level_sites(widths, [widths[i + 1] for i in self.levels])

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Decode the features to an image: (B, depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / deepest stride)
        for n, i in enumerate(self.levels):
            skip = modulate(f"decoder/skip{i}", features.skips[i])  # (B, C_i, *S / stride_i)
            block = self.get_submodule(f"decoder{i + 1}")
            x = block(modulate(f"decoder/block{n}", x), skip)  # (B, C_i, *S / stride_i)
        return apply_in_float32(self.out, x)  # (B, depth, *S without the slab's axis)
