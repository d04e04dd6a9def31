"""The encoder of the diffusion U-Net, in two or three dimensions, built from MONAI's modules."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from anysyn.bounds import AtLeastOne, Count, WholeNumber
from anysyn.encoders.unet import Inputs, JointEncoder
from anysyn.nn.blocks import conv, modulated_levels, pyramid_sites
from anysyn.nn.diffusion import EmbeddingBlock
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("encoder", "diffusion_unet")
class DiffusionUNetEncoder(JointEncoder):
    """Diffusion U-Net encoder: residual blocks conditioned on an embedding, with attention at the coarser levels.

    The down and middle blocks of MONAI's `DiffusionModelUNet` (Ho et al., DDPM, NeurIPS 2020); each intermediate result
    is a skip. The embedding is the vector at the site ``encoder/embedding``, (B, 4 C_0), without voxel axes;
    conditioners add the time, the target's modality, the dataset or a text to it.

    Args:
        modalities, dimensions, depth: As in `JointEncoder`, supplied by the build.
        channels: Channels of each level, finest first.
        blocks: Residual blocks of each level.
        attention: Number of levels with attention, counted from the deepest.
        head_width: Channels of an attention head.
        groups: Groups of the group norms, a divisor of every level's channels.
        inputs: ``canvas``: a channel per modality, zero if it is no source; ``stack``: the sources, in query order.
            Part ``diffusion`` appends the noisy target.
        sources: Number of input images, for ``stack``: in part ``diffusion`` one more than the sources of a query.

    Raises:
        ValueError: If a level's channels are not a multiple of the groups, or of a head's channels if it has attention.

    Example:
        >>> encoder = DiffusionUNetEncoder(modalities=4, dimensions=2, channels=(4, 8), groups=2, head_width=4)
        >>> features = encoder(torch.rand(3, 4, 8, 12), torch.tensor([[0, 2]] * 3))
        >>> [tuple(x.shape[1:]) for x in (*features.skips, features.deep)]
        [(4, 8, 12), (4, 8, 12), (4, 4, 6), (8, 4, 6), (8, 4, 6)]
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        channels: AtLeastOne[Count] = (64, 128, 256, 256),
        blocks: Count = 1,
        attention: WholeNumber = 2,
        head_width: Count = 64,
        groups: Count = 32,
        inputs: Inputs = "canvas",
        sources: Count = 1,
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        heads = [head_width if i >= len(channels) - attention else 0 for i in range(len(channels))]
        _check(channels, heads, groups)
        self.widths, self.strides = _pyramid(channels, blocks)
        self.embedding = nn.Parameter(torch.empty(4 * channels[0]))
        self.reset_parameters()
        self.stem = conv(dimensions, self.channels, channels[0])
        shared = {"dimensions": dimensions, "embedding": 4 * channels[0], "groups": groups}
        self.levels, self.halvings = nn.ModuleList(), nn.ModuleList()
        for i, width in enumerate(channels):
            before = [channels[max(0, i - 1)], *[width] * (blocks - 1)]
            self.levels.append(
                nn.ModuleList(EmbeddingBlock(**shared, inputs=x, outputs=width, head_width=heads[i]) for x in before)
            )
            if i + 1 < len(channels):
                self.halvings.append(conv(dimensions, width, width, stride=2))
        deepest = {"inputs": channels[-1], "outputs": channels[-1]}
        self.middle = nn.ModuleList(EmbeddingBlock(**shared, **deepest, head_width=heads) for heads in (head_width, 0))
        self.sites = _sites(channels, self.widths)

    def reset_parameters(self) -> None:
        """Initialise the embedding that conditioners add to."""
        nn.init.normal_(self.embedding, std=0.02)

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as skips (B, C_i, *S / stride_i), several of a level, and the deepest features."""
        embedding = modulate("encoder/embedding", self.embedding.expand(x.shape[0], -1))  # (B, 4 C_0)
        x = modulate("encoder/stem", self.stem(x))  # (B, C_0, *S)
        levels = [x]
        for i in range(len(self.levels)):
            x = modulate(f"encoder/block{i}", x)  # (B, C_i-1, *S / 2^i)
            for block in self.levels[i].children():
                x = block(x, embedding)  # (B, C_i, *S / 2^i)
                levels.append(x)
            if i < len(self.halvings):
                x = self.halvings[i](x)  # (B, C_i, *S / 2^(i + 1))
                levels.append(x)
        for block in self.middle:
            x = block(x, embedding)  # (B, C, *S / deepest stride)
        return modulated_levels((*levels, x), modulate)


def _check(channels: Sequence[int], heads: Sequence[int], groups: int) -> None:
    for width, head in zip(channels, heads, strict=True):
        if width % groups:
            raise ValueError(f"groups: {groups} cannot share {width} channels; take a divisor of every level's")
        if head and width % head:
            raise ValueError(f"head_width: heads of {head} channels cannot share {width}; take a divisor of them")


def _pyramid(channels: Sequence[int], blocks: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the channels and the strides of every skip and of the deepest features.

    Example:
        >>> _pyramid([4, 8], blocks=1)
        ((4, 4, 4, 8, 8), (1, 1, 2, 2, 2))
    """
    levels = [(channels[0], 1)]
    for i, width in enumerate(channels):
        levels += [(width, 2**i)] * blocks
        if i + 1 < len(channels):
            levels.append((width, 2 ** (i + 1)))
    levels.append((channels[-1], 2 ** (len(channels) - 1)))
    return tuple(width for width, _ in levels), tuple(stride for _, stride in levels)


def _sites(channels: Sequence[int], widths: Sequence[int]) -> list[Site]:
    return [
        Site("encoder/embedding", 4 * channels[0]),
        Site("encoder/stem", channels[0]),
        *pyramid_sites(widths, (channels[0], *channels[:-1])),
    ]
