"""An encoder of streams: one that all sources share and one for each modality, unified at every level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from anysyn.encoders.per_modality import PerModalityEncoder
from anysyn.encoders.pyramid import passed, pyramid_sites
from anysyn.nn.subnetworks import copies, sites_of, within
from anysyn.nn.unification import FeatureUnification
from anysyn.ops import counted_once
from anysyn.registry import Given, register
from anysyn.types import Encoder, Features, Modulate, unmodulated


@register("encoder", "streams")
class StreamsEncoder(Encoder):
    """Encode each source by the common stream and by that of its modality, and unify the sources at every level.

    The encoder of Uni-Synth (Zhang et al., TMI 2024), which PMM-Synth extends to more modalities; what its public
    descriptions leave open is reconstructed, see ``docs/faithfulness.md``. The common stream sees the sources one at a
    time by the same weights. A stream runs only where its modality is shown, so the streams of the others get no
    gradient. Samples may show different modalities; one that shows fewer than others names one of them again, and a
    modality counts once. The site ``encoder/block0`` of the design is called ``encoder/common/block0`` and, in the
    stream of T1w, ``encoder/T1w/block0``; ``encoder/skip0`` and ``encoder/out`` are the unified features.

    Args:
        names: The modalities of the recipe.
        of: The design; each stream draws weights of its own. ``inputs: stack`` shows a stream its source alone.

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
        streams = [self._streams(images, one, modulate) for one in torch.split(sources, 1, 1)]
        levels = [
            unify(torch.stack(level, 1), counts)  # (B, C_i, *S / stride_i)
            for unify, level in zip(self.unify, zip(*streams, strict=True), strict=True)
        ]
        return passed(levels, modulate)

    def _streams(self, images: Tensor, source: Tensor, modulate: Modulate) -> list[Tensor]:
        """Encode one source of each sample, (B, 1), by both streams: (B, 2 C_i, *S / stride_i) of each level."""
        common: Features = self.common(images, source, within(modulate, "common"))
        own = self.own(images, source, modulate)
        pairs = zip((*common.skips, common.deep), (*own.skips, own.deep), strict=True)
        return [torch.cat(pair, 1) for pair in pairs]  # (B, 2 C_i, *S / stride_i) each
