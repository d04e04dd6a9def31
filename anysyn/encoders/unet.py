"""A plain U-Net encoder in two or three dimensions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from anysyn.encoders.inputs import Inputs, JointEncoder
from anysyn.encoders.pyramid import pyramid, pyramid_sites
from anysyn.nn.blocks import Norm, ResidualBlock, conv
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("encoder", "unet")
class UNetEncoder(JointEncoder):
    """U-Net encoder: residual blocks, each level half the size of the one above.

    Args:
        modalities, dimensions, depth: As in `JointEncoder`, supplied by the build.
        widths: Channels of each level, finest first.
        inputs: ``canvas``: a channel per modality, zero if it is no source; ``stack``: the sources, in query order.
        sources: Sources of a query, for ``stack``.
        norm: Normalisation inside the blocks. ``group`` and ``instance`` erase the absolute intensity of an image.

    Example:
        >>> import torch
        >>> encoder = UNetEncoder(modalities=4, dimensions=2, widths=(8, 16))
        >>> features = encoder(torch.rand(3, 4, 16, 16), torch.tensor([[0, 2]] * 3))
        >>> [tuple(skip.shape) for skip in features.skips], tuple(features.deep.shape)
        ([(3, 8, 16, 16)], (3, 16, 8, 8))
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        widths: Sequence[int] = (32, 64, 128, 256),
        inputs: Inputs = "canvas",
        sources: int = 1,
        norm: Norm = "none",
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        self.widths = tuple(widths)
        self.strides = tuple(2**i for i in range(len(widths)))
        self.stem = conv(dimensions, self.channels, widths[0])
        self.blocks = nn.ModuleList(
            ResidualBlock(dimensions=dimensions, inputs=a, outputs=b, stride=1 if i == 0 else 2, normalisation=norm)
            for i, (a, b) in enumerate(zip((widths[0], *widths), widths, strict=False))
        )
        inward = (widths[0], *widths[:-1])
        self.sites = [Site("encoder/stem", widths[0]), *pyramid_sites(self.widths, inward)]

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as skips (B, C_i, *S / stride_i), finest first, and the deepest features."""
        x = modulate("encoder/stem", self.stem(x))  # (B, C_0, *S / stride_0)
        return pyramid(self.blocks, x, modulate)
