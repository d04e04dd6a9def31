"""The encoder of Swin-Unet, in two or three dimensions: a Swin transformer over patches of four voxels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from anysyn.bounds import Count, ShareBelowOne
from anysyn.encoders.unet import Inputs, JointEncoder
from anysyn.nn.blocks import pyramid_sites
from anysyn.nn.swin import ChannelNorm, PatchMerging, swin_blocks
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site

PATCH = 4


@register("encoder", "swin_unet")
class SwinUNetEncoder(JointEncoder):
    """Swin transformer encoder: patches of four voxels a side, merged before each further stage.

    The encoder of Swin-Unet (Cao et al., ECCV 2022 Workshops); with ``inputs: stack`` and the decoder ``swin_unet`` it
    has 27,165,060 parameters. The skips are the stages' inputs.

    Args:
        modalities, dimensions, depth, inputs, sources: As in `JointEncoder`.
        feature_size: Channels of the first stage; they double at each further stage.
        depths: Transformer blocks of each stage.
        head_width: Channels of an attention head.
        window: Length of the attention window, in tokens along each axis.
        drop_path: Stochastic depth rate of the last block, in training; the rate rises linearly from 0.

    Raises:
        ValueError: If ``head_width`` does not divide the channels.

    Example:
        >>> import torch
        >>> encoder = SwinUNetEncoder(modalities=4, dimensions=2, feature_size=8, head_width=4, window=4)
        >>> features = encoder(torch.rand(3, 4, 64, 64), torch.tensor([[0, 2]] * 3))
        >>> [x.shape[1] for x in features.skips], tuple(features.deep.shape)
        ([8, 16, 32], (3, 64, 2, 2))
    """

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        feature_size: Count = 96,
        depths: tuple[Count, ...] = (2, 2, 2, 2),
        head_width: Count = 32,
        window: Count = 7,
        drop_path: ShareBelowOne = 0.2,
        inputs: Inputs = "canvas",
        sources: Count = 1,
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        self.widths = tuple(feature_size * 2**i for i in range(len(depths)))
        self.strides = tuple(PATCH * 2**i for i in range(len(depths)))
        self.sites = [Site("encoder/stem", self.widths[0]), *pyramid_sites(self.widths, self.widths)]
        self.patches = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions](self.channels, feature_size, PATCH, stride=PATCH)
        self.patch_norm, self.norm = ChannelNorm(feature_size), ChannelNorm(self.widths[-1])
        rates = _rising_rates(drop_path, depths)
        self.stages = nn.ModuleList(
            swin_blocks(dimensions, width, depth=blocks, head_width=head_width, window=window, drop_path=rate)
            for width, blocks, rate in zip(self.widths, depths, rates, strict=True)
        )
        self.mergings = nn.ModuleList(PatchMerging(dimensions=dimensions, width=width) for width in self.widths[:-1])

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as skips (B, C_i, *S / stride_i), finest first, and the deepest features."""
        x = self.patch_norm(modulate("encoder/stem", self.patches(x)))  # (B, C_0, *S / 4)
        skips = []
        for i, merging in enumerate(self.mergings):
            skips.append(modulate(f"encoder/skip{i}", x))
            x = merging(self.stages[i](modulate(f"encoder/block{i}", x)))  # (B, C_i+1, *S / stride_i+1)
        x = self.stages[-1](modulate(f"encoder/block{len(skips)}", x))  # (B, C, *S / deepest stride)
        return Features(tuple(skips), modulate("encoder/out", self.norm(x)))


def _rising_rates(highest: float, depths: Sequence[int]) -> list[list[float]]:
    """Return rates that rise linearly from 0 over all blocks, stage by stage.

    Example:
        >>> _rising_rates(0.5, [1, 2])
        [[0.0], [0.25, 0.5]]
    """
    last = max(1, sum(depths) - 1)
    starts = [sum(depths[:i]) for i in range(len(depths))]
    return [[highest * n / last for n in range(a, a + depth)] for a, depth in zip(starts, depths, strict=True)]
