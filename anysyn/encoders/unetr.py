"""The encoder of UNETR, in two or three dimensions, out of MONAI's modules."""

from __future__ import annotations

from torch import Tensor

from anysyn.encoders.unet import Inputs, JointEncoder, channel_count
from anysyn.errors import RecipeError
from anysyn.nn.blocks import passed, pyramid_sites
from anysyn.nn.positions import maps_of, on_grid, tokens_of
from anysyn.nn.unetr import projection_block, residual_block, vision_transformer
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site

PATCH = 16  # voxels along each axis of a token
LAYERS = 12  # blocks of the transformer; skips leave it behind every third


@register("encoder", "unetr")
class UNETREncoder(JointEncoder):
    """Encode the sources by a vision transformer, with convolutions from its layers 4, 7 and 10 to the skips.

    The encoder of UNETR (Hatamizadeh et al., WACV 2022) in MONAI's modules under MONAI's names, so that the weights of
    a `monai.networks.nets.UNETR` fit; with the decoder ``unetr`` it is that network. Positions are learned for one
    image size and interpolated for others, so that slices of any size go in.

    Args:
        modalities: How many modalities the recipe has.
        dimensions: Voxel axes of the network, 2 or 3.
        depth: Slices of a slab; they become channels. 1 for slices and patches.
        feature_size: Channels of the finest level; the next ones have 2, 4 and 8 times as many.
        width: Of a token, and channels of the deepest level.
        hidden: Width inside the transformer's perceptrons.
        heads: Attention heads of each block; they divide the width.
        size: Voxels along each axis that the positions are learned for, a multiple of 16.
        convolved: Whether residual blocks stand between the tokens and the skips, as in MONAI, or none, as in the
            two-dimensional UNETR that OmniSyn cites.
        inputs: ``canvas`` shows one channel for each modality, zero where it is not a source, and so takes any number
            of sources; ``stack`` shows the sources alone, in the order of the query.
        sources: Sources of a query, read by ``stack`` alone.

    Raises:
        RecipeError: If heads or size do not fit.

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
        feature_size: int = 32,
        width: int = 384,
        hidden: int = 1536,
        heads: int = 6,
        size: int = 224,
        convolved: bool = False,
        inputs: Inputs = "canvas",
        sources: int = 1,
    ) -> None:
        super().__init__()
        if width % heads or size % PATCH or size < PATCH:
            raise RecipeError(f"encoder unetr: heads ({heads}) must divide width ({width}), and {PATCH} size ({size})")
        self.dimensions, self.depth, self.inputs = dimensions, depth, inputs
        self.channels = channel_count(inputs, modalities=modalities, sources=sources, depth=depth)
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
        return passed(levels, modulate)

    def _hidden(self, x: Tensor, modulate: Modulate) -> list[Tensor]:
        # ViT.forward, opened at the sites: the input of every block, and what the last norm gives.
        x = modulate("encoder/stem", self.vit.patch_embedding.patch_embeddings(x))  # (B, width, *S / 16)
        grid = x.shape[2:]
        table = on_grid(self.vit.patch_embedding.position_embeddings, self.learned, grid)  # (1, N, width)
        x = maps_of(tokens_of(x) + table, grid)  # (B, width, *S / 16)
        hidden = []
        for i, block in enumerate(self.vit.blocks):
            x = maps_of(block(tokens_of(modulate(f"encoder/block{i}", x))), grid)  # (B, width, *S / 16)
            hidden.append(x)
        return [*hidden[:-1], maps_of(self.vit.norm(tokens_of(x)), grid)]  # (B, width, *S / 16) each
