"""The encoder of pix2pix, in two or three dimensions."""

from __future__ import annotations

from torch import Tensor, nn

from anysyn.bounds import Count, Halvings, ShareBelowOne
from anysyn.encoders.unet import Inputs, JointEncoder
from anysyn.errors import RecipeError
from anysyn.nn.blocks import Norm, conv, norm, pyramid, pyramid_sites
from anysyn.nn.strided import SLOPE, strided_widths
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate

WIDEST = 3  # from this level on the width no longer doubles


@register("encoder", "strided_unet")
class StridedUNetEncoder(JointEncoder):
    """The encoder of pix2pix: convolutions of kernel 4 and stride 2, each with a norm and a leaky ReLU.

    Isola et al., CVPR 2017; with ``{norm: instance, affine: false, dropout: 0.2}`` the encoder of MM-GAN (Sharma and
    Hamarneh, TMI 2020). The finest level has stride 2. The first and the deepest level have no norm, so the deepest may
    be a single voxel. With L levels, images are padded to a multiple of 2^L.

    Args:
        modalities, dimensions, depth, inputs, sources: As in `JointEncoder`.
        levels: Number of levels, each half the size of the one before.
        width: Channels of the finest level; they double up to eight times that.
        norm: Normalisation after the convolutions. With one image per batch, ``batch`` equals ``instance``.
        affine: Whether the norm learns a scale and an offset per channel.
        dropout: Dropout rate from the fourth level on.

    Raises:
        RecipeError: If there are fewer than two levels.

    Example:
        >>> import torch
        >>> encoder = StridedUNetEncoder(modalities=4, dimensions=2, levels=3, width=8)
        >>> features = encoder(torch.rand(3, 4, 16, 16), torch.tensor([[0, 2]] * 3))
        >>> [tuple(x.shape[1:]) for x in (*features.skips, features.deep)]
        [(8, 8, 8), (16, 4, 4), (32, 2, 2)]
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        levels: Halvings = 8,
        width: Count = 64,
        norm: Norm = "batch",
        affine: bool = True,
        dropout: ShareBelowOne = 0.0,
        inputs: Inputs = "canvas",
        sources: Count = 1,
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        if levels < 2:
            raise RecipeError(f"encoder strided_unet needs at least 2 levels, not {levels}")
        self.widths = strided_widths(levels, width)
        self.strides = tuple(2 ** (i + 1) for i in range(levels))
        kinds: list[Norm] = ["none", *[norm] * (levels - 2), "none"]
        shares = [dropout if i >= WIDEST else 0.0 for i in range(levels)]
        self.blocks = nn.ModuleList(
            _block(dimensions, a, b, kind, affine, share)
            for a, b, kind, share in zip((self.channels, *self.widths), self.widths, kinds, shares, strict=False)
        )
        self.sites = pyramid_sites(self.widths, self.widths[:-1], first=1)

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as skips (B, C_i, *S / stride_i), finest first, and the deepest features."""
        return pyramid(self.blocks, x, modulate, first=1)


def _block(dimensions: int, inputs: int, outputs: int, kind: Norm, affine: bool, dropout: float) -> nn.Module:
    normalised = norm(kind, dimensions, outputs, affine=affine)
    strided = conv(dimensions, inputs, outputs, 4, stride=2, bias=False)
    return nn.Sequential(strided, normalised, nn.LeakyReLU(SLOPE), nn.Dropout(dropout))
