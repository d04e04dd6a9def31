"""A stream that all sources share and one for each modality, unified at every level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from anysyn.encoders.each_source import EachSourceEncoder
from anysyn.encoders.per_modality import PerModalityEncoder
from anysyn.nn.blocks import pyramid_sites
from anysyn.nn.subnetworks import copies, sites_of, within
from anysyn.nn.unification import FeatureUnification
from anysyn.registry import Given, register
from anysyn.types import Encoder, Features, Modulate


@register("encoder", "streams")
class StreamsEncoder(EachSourceEncoder):
    """A common stream and one stream per modality, with the sources unified at every level.

    The encoder of Uni-Synth (Zhang et al., TMI 2024), which PMM-Synth extends to more modalities; what its public
    descriptions leave open is reconstructed (``docs/methods/pmm-synth.md``). The common stream encodes each source by
    itself, with the same weights. A modality's stream runs, and gets gradients, only if the modality is a source.
    Samples may have different sources. The design's site ``encoder/block0`` is named ``encoder/common/block0`` and, in
    the stream of T1w, ``encoder/T1w/block0``; ``encoder/skip0`` and ``encoder/out`` are the unified features.

    Args:
        names: The modalities of the recipe.
        of: The design; each stream draws its own weights. ``inputs: stack`` gives a stream its source alone.

    Example:
        >>> from anysyn.encoders import UNetEncoder
        >>> design = UNetEncoder(modalities=3, dimensions=2, widths=(8, 16), inputs="stack")
        >>> encoder = StreamsEncoder(names=("T1w", "T2w", "FLAIR"), of=design)
        >>> encoder(torch.rand(2, 3, 16, 16), torch.tensor([[0, 2], [1, 1]])).deep.shape
        torch.Size([2, 16, 8, 8])
    """

    def __init__(self, *, names: Given[Sequence[str]], of: Encoder) -> None:
        super().__init__()
        self.dimensions, self.widths, self.strides = of.dimensions, of.widths, of.strides
        designs = copies(of, ("common", "own"))
        self.common, self.own = designs["common"], PerModalityEncoder(names=names, of=cast(Encoder, designs["own"]))
        self.unify = nn.ModuleList(
            FeatureUnification(dimensions=of.dimensions, inputs=2 * width, outputs=width) for width in of.widths
        )
        self.sites = [*sites_of(of.sites, ["common"]), *self.own.sites, *pyramid_sites(of.widths, ())]

    def encode_source(self, images: Tensor, source: Tensor, modulate: Modulate) -> Sequence[Tensor]:
        """Encode one source of each sample, (B, 1), by both streams: (B, 2 C_i, *S / stride_i) of each level."""
        common: Features = self.common(images, source, within(modulate, "common"))
        own: Features = self.own(images, source, modulate)
        pairs = zip((*common.skips, common.deep), (*own.skips, own.deep), strict=True)
        return [torch.cat(pair, 1) for pair in pairs]  # (B, 2 C_i, *S / stride_i) each

    def fuse(self, level: int, features: Tensor, counts: Tensor | None) -> Tensor:
        """Unify (B, J, 2 C, *S) to (B, C, *S)."""
        unified: Tensor = self.unify[level](features, counts)
        return unified
