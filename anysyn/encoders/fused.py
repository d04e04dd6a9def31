"""An encoder for each modality, their features fused voxel by voxel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from anysyn.encoders.each_source import EachSourceEncoder
from anysyn.encoders.per_modality import PerModalityEncoder
from anysyn.nn.blocks import pyramid_sites
from anysyn.nn.unification import moments, strongest
from anysyn.registry import Given, register
from anysyn.types import Encoder, Features, Modulate

Fusion = Literal["max", "mean", "moments"]


@register("encoder", "fused")
class FusedEncoder(EachSourceEncoder):
    """An encoder for each modality, whose features are fused by their maximum, mean, or mean and variance.

    ``max`` is MM-Synth (Chartsias et al., TMI 2018), ``moments``, mean and variance side by side, HeMIS (Havaei et al.,
    MICCAI 2016). Samples may have different sources. The design's site ``encoder/out`` is named ``encoder/T1w/out`` in
    the encoder of T1w; ``encoder/skip0`` and ``encoder/out`` are the fused features.

    Args:
        names: The modalities of the recipe.
        of: The design; each modality draws its own weights. ``inputs: stack`` gives an encoder its source alone.
        fusion: How the features of the sources are fused.

    Example:
        >>> from anysyn.encoders import UNetEncoder
        >>> design = UNetEncoder(modalities=3, dimensions=2, widths=(8, 16), inputs="stack")
        >>> encoder = FusedEncoder(names=("T1w", "T2w", "FLAIR"), of=design)
        >>> encoder(torch.rand(2, 3, 16, 16), torch.tensor([[0, 2], [1, 1]])).deep.shape
        torch.Size([2, 16, 8, 8])
    """

    def __init__(self, *, names: Given[Sequence[str]], of: Encoder, fusion: Fusion = "max") -> None:
        super().__init__()
        self.fusion = fusion
        self.own = PerModalityEncoder(names=names, of=of)
        self.dimensions, self.strides = of.dimensions, of.strides
        self.widths = tuple(width * (2 if fusion == "moments" else 1) for width in of.widths)
        self.sites = [*self.own.sites, *pyramid_sites(self.widths, ())]

    def encode_source(self, images: Tensor, source: Tensor, modulate: Modulate) -> Sequence[Tensor]:
        """Encode one source of each sample by the encoder of its modality."""
        features: Features = self.own(images, source, modulate)
        return *features.skips, features.deep

    def fuse(self, level: int, features: Tensor, counts: Tensor | None) -> Tensor:
        """Fuse (B, J, C, *S) to (B, C, *S), or (B, 2 C, *S) for ``moments``."""
        if self.fusion == "max":
            return strongest(features, counts)  # (B, C, *S)
        mean, variance = moments(features, counts)
        return mean if self.fusion == "mean" else torch.cat([mean, variance], 1)  # (B, C or 2 C, *S)
