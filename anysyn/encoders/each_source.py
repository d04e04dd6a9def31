"""Encoders that encode each source by itself and fuse the sources' features at every level."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from anysyn.nn.blocks import modulated_levels
from anysyn.ops import counted_once
from anysyn.types import Encoder, Features, Modulate, unmodulated


class EachSourceEncoder(Encoder):
    """Encoder of one source at a time; a subclass implements `encode_source` and `fuse`.

    Samples may have different sources. One with fewer sources than others repeats one of them, which counts once.
    """

    def encode_source(self, images: Tensor, source: Tensor, modulate: Modulate) -> Sequence[Tensor]:
        """Encode one source of each sample, (B, 1): every level (B, C_i, *S / stride_i), finest first."""
        raise NotImplementedError

    def fuse(self, level: int, features: Tensor, counts: Tensor | None) -> Tensor:
        """Fuse the sources' features (B, J, C, *S) of a level; ``counts`` (B, J) says which count, None if all do."""
        raise NotImplementedError

    def forward(self, images: Tensor, sources: Tensor, modulate: Modulate = unmodulated) -> Features:
        """Encode the sources as `JointEncoder` does; a modality that a sample repeats counts once."""
        counts = counted_once(sources)
        pyramids = [self.encode_source(images, source, modulate) for source in torch.split(sources, 1, 1)]
        fused = [self.fuse(i, torch.stack(level, 1), counts) for i, level in enumerate(zip(*pyramids, strict=True))]
        return modulated_levels(fused, modulate)
