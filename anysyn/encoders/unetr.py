"""The encoder of UNETR, in two or three dimensions, built from MONAI's modules."""

from __future__ import annotations

from torch import Tensor

from anysyn.bounds import Count
from anysyn.encoders.unet import Inputs, JointEncoder
from anysyn.errors import RecipeError
from anysyn.nn.blocks import modulated_levels, pyramid_sites
from anysyn.nn.positions import maps_of, on_grid, tokens_of
from anysyn.nn.unetr import projection_block, residual_block, vision_transformer
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site

PATCH = 16  # voxels per token along each axis
LAYERS = 12  # transformer blocks; a skip after every third


@register("encoder", "unetr")
class UNETREncoder(JointEncoder):
    """Vision transformer encoder, with convolutions from its layers 4, 7 and 10 to the skips.

    The encoder of UNETR (Hatamizadeh et al., WACV 2022). It uses MONAI's modules and names, so weights of
    `monai.networks.nets.UNETR` load; with the decoder ``unetr`` it is that network. Positions are learned for one image
    size and interpolated for others.

    Args:
        modalities, dimensions, depth, inputs, sources: As in `JointEncoder`.
        feature_size: Channels of the finest level; the next ones have 2, 4 and 8 times as many.
        width: Token width, which is also the channels of the deepest level.
        hidden: Width of the MLPs' hidden layer.
        heads: Attention heads of each block, a divisor of the width.
        size: Image side in voxels for which positions are learned, a multiple of 16.
        convolved: Whether residual blocks lie between the tokens and the skips, as in MONAI, or none, as in the
            two-dimensional UNETR that OmniSyn cites.

    Raises:
        RecipeError: If the heads do not divide the width, or the size is not a multiple of 16.

    Example:
        >>> import torch
        >>> encoder = UNETREncoder(modalities=4, dimensions=2, feature_size=4, width=12, hidden=24, heads=3, size=32)
        >>> features = encoder(torch.rand(3, 4, 48, 32), torch.tensor([[0, 2]] * 3))
        >>> [x.shape[1] for x in features.skips], tuple(features.deep.shape)
        ([4, 8, 16, 32], (3, 12, 3, 2))
    """

    strides = (1, 2, 4, 8, 16)

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        feature_size: Count = 32,
        width: Count = 384,
        hidden: Count = 1536,
        heads: Count = 6,
        size: Count = 224,
        convolved: bool = False,
        inputs: Inputs = "canvas",
        sources: Count = 1,
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        if width % heads or size % PATCH or size < PATCH:
            raise RecipeError(f"encoder unetr: heads ({heads}) must divide width ({width}), and {PATCH} size ({size})")
        self.learned = (size // PATCH,) * dimensions
        finest, *coarser = (feature_size * 2**i for i in range(4))
        self.widths = (finest, *coarser, width)
        self.vit = vision_transformer(
            dimensions, self.channels, size=size, patch=PATCH, width=width, hidden=hidden, layers=LAYERS, heads=heads
        )
        self.encoder1 = residual_block(dimensions, self.channels, finest)
        self.encoder2, self.encoder3, self.encoder4 = (
            projection_block(dimensions, width, channels, 3 - i, convolved=convolved)
            for i, channels in enumerate(coarser)
        )
        self.sites = [Site("encoder/stem", width), *pyramid_sites(self.widths, [width] * LAYERS)]

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as skips (B, C_i, *S / stride_i), finest first, and the deepest features."""
        hidden = self._hidden(x, modulate)  # (B, width, *S / 16) each
        levels = (
            self.encoder1(x),  # (B, F, *S)
            self.encoder2(hidden[3]),  # (B, 2 F, *S / 2)
            self.encoder3(hidden[6]),  # (B, 4 F, *S / 4)
            self.encoder4(hidden[9]),  # (B, 8 F, *S / 8)
            hidden[-1],
        )
        return modulated_levels(levels, modulate)

    def _hidden(self, x: Tensor, modulate: Modulate) -> list[Tensor]:
        # ViT.forward, with the sites added: the input of every block, and the output of the last norm.
        x = modulate("encoder/stem", self.vit.patch_embedding.patch_embeddings(x))  # (B, width, *S / 16)
        grid = x.shape[2:]
        table = on_grid(self.vit.patch_embedding.position_embeddings, self.learned, grid)  # (1, N, width)
        x = maps_of(tokens_of(x) + table, grid)  # (B, width, *S / 16)
        hidden = []
        for i, block in enumerate(self.vit.blocks):
            x = maps_of(block(tokens_of(modulate(f"encoder/block{i}", x))), grid)  # (B, width, *S / 16)
            hidden.append(x)
        return [*hidden[:-1], maps_of(self.vit.norm(tokens_of(x)), grid)]  # (B, width, *S / 16) each
