"""An encoder for each modality, their features fused voxel by voxel into those of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from anysyn.encoders.per_modality import PerModalityEncoder
from anysyn.nn.blocks import passed, pyramid_sites
from anysyn.nn.unification import moments, strongest
from anysyn.ops import counted_once
from anysyn.registry import Given, register
from anysyn.types import Encoder, Features, Modulate, unmodulated

Fusion = Literal["max", "mean", "moments"]


@register("encoder", "fused")
class FusedEncoder(Encoder):
    """Encode each source by the encoder of its modality and fuse the features by their maximum, mean, or both moments.

    ``max`` is MM-Synth (Chartsias et al., TMI 2018), ``moments``, mean and variance side by side, HeMIS (Havaei et al.,
    MICCAI 2016). Samples may show different modalities; one that shows fewer than others names one of them again, and a
    modality counts once. The site ``encoder/out`` of the design is called ``encoder/T1w/out`` in the encoder of T1w;
    ``encoder/skip0`` and ``encoder/out`` are the fused features.

    Args:
        names: The modalities of the recipe.
        of: The design; each modality draws weights of its own. ``inputs: stack`` shows an encoder its source alone.
        fusion: How the features of the sources become one.

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

    def forward(self, images: Tensor, sources: Tensor, modulate: Modulate = unmodulated) -> Features:
        """Encode the sources.

        Args:
            images: (B, M, *S).
            sources: (B, J) int64; a modality that a sample names again counts once.
            modulate: What acts at the sites, on (B, C, *S), once for each source.

        Returns:
            Skips (B, C_i, *S / stride_i), finest first, and the deepest features.
        """
        counts = counted_once(sources)
        alone: list[Features] = [self.own(images, one, modulate) for one in torch.split(sources, 1, 1)]
        levels = zip(*((*one.skips, one.deep) for one in alone), strict=True)
        fused = (self._fuse(torch.stack(level, 1), counts) for level in levels)  # (B, C_i, *S / stride_i) each
        return passed(fused, modulate)

    def _fuse(self, features: Tensor, counts: Tensor | None) -> Tensor:
        if self.fusion == "max":
            return strongest(features, counts)  # (B, C, *S)
        both = moments(features, counts)
        return both[0] if self.fusion == "mean" else torch.cat(both, 1)  # (B, C or 2 C, *S)
