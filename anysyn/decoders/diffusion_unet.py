"""The decoder of the diffusion U-Net, in two or three dimensions, built from MONAI's modules."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from anysyn.bounds import Count, WholeNumber
from anysyn.decoders.cnn import GridDecoder
from anysyn.nn.blocks import conv
from anysyn.nn.diffusion import EmbeddingBlock, upsampling_conv
from anysyn.ops import apply_in_float32
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("decoder", "diffusion_unet")
class DiffusionUNetDecoder(GridDecoder):
    """Diffusion U-Net decoder: residual blocks conditioned on an embedding, one for each skip.

    The up blocks of MONAI's `DiffusionModelUNet` (Ho et al., DDPM, NeurIPS 2020). The embedding is the vector at the
    site ``decoder/embedding``, (B, 4 C_0), without voxel axes, as in the encoder of the same name. Several levels of
    the encoder may have one stride; each stride divides the next.

    Args:
        widths, strides, dimensions, depth: As in `GridDecoder`, supplied by the build.
        attention: Number of strides with attention, counted from the deepest.
        head_width: Channels of an attention head.
        groups: Groups of the group norms, a divisor of each level's channels and of two neighbouring levels' sum.

    Example:
        >>> decoder = DiffusionUNetDecoder(widths=(8, 16), strides=(1, 2), dimensions=2, groups=4, head_width=4)
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
        attention: WholeNumber = 2,
        head_width: Count = 64,
        groups: Count = 32,
    ) -> None:
        super().__init__()
        self.depth = depth
        self.embedding = nn.Parameter(torch.empty(4 * widths[0]))
        self.reset_parameters()
        shared = {"dimensions": dimensions, "embedding": 4 * widths[0], "groups": groups}
        self.skips = _by_stride(strides)
        ratios = [a // b for a, b in zip(sorted(set(strides), reverse=True), [*[*self.skips][1:], 1], strict=True)]
        self.levels, self.enlarge, x, inward = nn.ModuleList(), nn.ModuleList(), widths[-1], list[int]()  # x: channels
        for n, (numbers, ratio) in enumerate(zip(self.skips.values(), ratios, strict=True)):
            inward.append(x)
            out, head = widths[numbers[0]] if numbers else x, head_width if n < attention else 0
            before = [widths[i] + (x if k == 0 else out) for k, i in enumerate(numbers)]
            blocks = [EmbeddingBlock(**shared, inputs=channels, outputs=out, head_width=head) for channels in before]
            self.levels.append(nn.ModuleList(blocks))
            self.enlarge.append(upsampling_conv(dimensions, out, ratio) if ratio > 1 else nn.Identity())
            x = out
        self.end = nn.Sequential(nn.GroupNorm(groups, x, eps=1e-6), nn.SiLU(), conv(dimensions, x, depth))
        self.sites = _sites(widths, inward)

    def reset_parameters(self) -> None:
        """Initialise the embedding that conditioners add to."""
        nn.init.normal_(self.embedding, std=0.02)

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Decode the features to an image: (B, depth, *S without the slab's axis)."""
        x = modulate("decoder/in", features.deep)  # (B, C, *S / deepest stride)
        embedding = modulate("decoder/embedding", self.embedding.expand(x.shape[0], -1))  # (B, 4 C_0)
        for n, numbers in enumerate(self.skips.values()):
            x = modulate(f"decoder/block{n}", x)  # (B, C, *S / stride)
            for i, block in zip(numbers, self.levels[n].children(), strict=True):
                skip = modulate(f"decoder/skip{i}", features.skips[i])  # (B, C_i, *S / stride)
                x = block(torch.cat([x, skip], 1), embedding)  # (B, C, *S / stride)
            x = self.enlarge[n](x)  # (B, C, *S / next stride)
        return apply_in_float32(self.end, x)  # (B, depth, *S without the slab's axis)


def _by_stride(strides: Sequence[int]) -> dict[int, list[int]]:
    """Group the skips by stride, coarsest first; the last level is not a skip.

    Example:
        >>> _by_stride([1, 1, 2, 2, 4])
        {4: [], 2: [3, 2], 1: [1, 0]}
    """
    groups: dict[int, list[int]] = {stride: [] for stride in sorted(set(strides), reverse=True)}
    for i in range(len(strides) - 2, -1, -1):
        groups[strides[i]].append(i)
    return groups


def _sites(widths: Sequence[int], inward: Sequence[int]) -> list[Site]:
    return [
        Site("decoder/in", widths[-1], "deep"),
        Site("decoder/embedding", 4 * widths[0]),
        *(Site(f"decoder/skip{i}", width, f"skip{i}") for i, width in enumerate(widths[:-1])),
        *(Site(f"decoder/block{n}", channels) for n, channels in enumerate(inward)),
    ]
