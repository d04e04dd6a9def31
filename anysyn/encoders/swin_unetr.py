"""The encoder of SwinUNETR, in two or three dimensions, built from MONAI's modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from torch import Tensor, nn

from anysyn.bounds import Count
from anysyn.encoders.unet import Inputs, JointEncoder
from anysyn.nn.blocks import modulated_levels, pyramid_sites
from anysyn.nn.unetr import residual_block, swin_transformer
from anysyn.registry import Given, register
from anysyn.types import Features, Modulate, Site


@register("encoder", "swin_unetr")
class SwinUNETREncoder(JointEncoder):
    """Swin transformer encoder with residual convolution blocks on its skips.

    The encoder of SwinUNETR (Hatamizadeh et al., 2021) and SwinUNETR-V2 (He et al., 2023). It uses MONAI's modules and
    names, so weights of `monai.networks.nets.SwinUNETR` load. ``{inputs: stack}`` with the decoder ``swin_unetr`` is
    the backbone of OmniSyn. Instance norm needs more than one voxel at the deepest level.

    Args:
        modalities, dimensions, depth, inputs, sources: As in `JointEncoder`.
        feature_size: Channels of the finest level; stage i has ``2^i`` times as many.
        version: 2 puts a residual convolution block before each Swin stage.
        depths: Transformer blocks of each stage.
        heads: Attention heads of each stage.
        window: Length of the attention window, in tokens along each axis.

    Raises:
        ValueError: If a stage's heads do not divide its channels.

    Example:
        >>> import torch
        >>> encoder = SwinUNETREncoder(modalities=4, dimensions=2, feature_size=12)
        >>> features = encoder(torch.rand(3, 4, 64, 64), torch.tensor([[0, 2]] * 3))
        >>> [x.shape[1] for x in features.skips], tuple(features.deep.shape)
        ([12, 12, 24, 48, 96], (3, 192, 2, 2))
    """

    strides = (1, 2, 4, 8, 16, 32)

    def __init__(
        self,
        *,
        modalities: Given[int],
        dimensions: Given[int],
        depth: Given[int] = 1,
        feature_size: Count = 48,
        version: Literal[1, 2] = 2,
        depths: tuple[Count, Count, Count, Count] = (2, 2, 2, 2),
        heads: tuple[Count, Count, Count, Count] = (3, 6, 12, 24),
        window: Count = 7,
        inputs: Inputs = "canvas",
        sources: Count = 1,
    ) -> None:
        super().__init__(modalities=modalities, dimensions=dimensions, depth=depth, inputs=inputs, sources=sources)
        _check_heads(feature_size, heads)
        self.version = version
        self.widths = (feature_size, *(feature_size * 2**i for i in range(5)))
        self.sites = [Site("encoder/stem", self.widths[0]), *pyramid_sites(self.widths, self.widths[1:-1])]
        self.swinViT = swin_transformer(
            dimensions, self.channels, feature_size, window=window, depths=depths, heads=heads, version=version
        )
        self.encoder1 = residual_block(dimensions, self.channels, feature_size)
        self.encoder2 = residual_block(dimensions, feature_size, feature_size)
        self.encoder3 = residual_block(dimensions, 2 * feature_size, 2 * feature_size)
        self.encoder4 = residual_block(dimensions, 4 * feature_size, 4 * feature_size)
        self.encoder10 = residual_block(dimensions, 16 * feature_size, 16 * feature_size)

    def encode(self, x: Tensor, modulate: Modulate) -> Features:
        """Encode (B, channels, *S) as skips (B, C_i, *S / stride_i), finest first, and the deepest features.

        Raises:
            ValueError: If the deepest level would have one voxel.
        """
        _check_size(x.shape[2:], self.strides[-1])
        hidden = self._hidden(x, modulate)
        levels = (
            self.encoder1(x),  # (B, F, *S)
            self.encoder2(hidden[0]),  # (B, F, *S / 2)
            self.encoder3(hidden[1]),  # (B, 2 F, *S / 4)
            self.encoder4(hidden[2]),  # (B, 4 F, *S / 8)
            hidden[3],
            self.encoder10(hidden[4]),  # (B, 16 F, *S / 32)
        )
        return modulated_levels(levels, modulate)

    def _hidden(self, x: Tensor, modulate: Modulate) -> list[Tensor]:
        # SwinTransformer.forward, with the sites added.
        x = modulate("encoder/stem", self.swinViT.patch_embed(x))  # (B, F, *S / 2)
        hidden = [self.swinViT.proj_out(x, normalize=True)]
        for i, stage in enumerate(self._stages()):
            x = modulate(f"encoder/block{i}", x)  # (B, 2^i F, *S / 2^(i + 1))
            for layer in stage:
                x = layer(x.contiguous())  # (B, 2^(i + 1) F, *S / 2^(i + 2)) after the last
            hidden.append(self.swinViT.proj_out(x, normalize=True))
        return hidden

    def _stages(self) -> Iterator[list[nn.Module]]:
        kinds = ("c", "") if self.version == 2 else ("",)
        for i in range(1, 5):
            yield [layer for kind in kinds for layer in getattr(self.swinViT, f"layers{i}{kind}")]


def _check_heads(feature_size: int, heads: Sequence[int]) -> None:
    for i, count in enumerate(heads):
        if feature_size * 2**i % count:
            raise ValueError(
                f"stage {i} has {feature_size * 2**i} channels, which {count} heads cannot share; "
                "make feature_size a multiple of each entry of heads divided by 1, 2, 4 and 8"
            )


def _check_size(size: Sequence[int], stride: int) -> None:
    if all(n <= stride for n in size):
        raise ValueError(
            f"images of {' x '.join(map(str, size))} leave one voxel at the deepest level of encoder swin_unetr, which "
            f"instance normalisation cannot use; show it more than {stride} voxels along one axis"
        )
