"""Encoder, conditioners and decoder as one network, and what of the sources is added to its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import torch
from torch import Tensor, nn

from anysyn.conditioners import Conditioner, Conditioners
from anysyn.ops import at_least_float32, beside, in_float32, pad_to_multiple, pick
from anysyn.points import Places, sample_at
from anysyn.registry import Given, register
from anysyn.types import Batch, Condition, Decoder, Encoder, Features, Query, Synthesis


class Shortcut(nn.Module):
    """Make, from the sources alone, what the decoder's answer is added to."""

    kind: ClassVar[str] = "shortcut"

    def forward(self, batch: Batch, query: Query) -> Tensor:
        """Return (B, K, *S) for a batch with images (B, M, *S)."""
        raise NotImplementedError


@register("shortcut", "gain")
class Gain(Shortcut):
    """Mean of the sources, each times a gain that is learned for each pair of source and target.

    Between similar contrasts, such as T1w before and after gadolinium, the network then only has to learn the
    difference.

    Args:
        modalities: Number of modalities in the recipe.
        initial: Initial value of every gain: with 1 the network starts from the source, with 0 without it.

    Example:
        >>> shortcut = Gain(modalities=2, initial=0.5)
        >>> batch = Batch.complete(torch.ones(1, 2, 4, 4))
        >>> shortcut(batch, Query(torch.tensor([[0]]), torch.tensor([[1]]))).mean().item()
        0.5
    """

    def __init__(self, *, modalities: Given[int], initial: float = 0.0) -> None:
        super().__init__()
        self.gains = nn.Parameter(torch.full((modalities, modalities), initial))

    def forward(self, batch: Batch, query: Query) -> Tensor:
        """Return (B, K, *S) for a batch with images (B, M, *S)."""
        sources, targets = (beside(which, self.gains) for which in (query.sources, query.targets))
        gains = self.gains[sources.unsqueeze(2), targets.unsqueeze(1)]  # (B, J, K)
        images = pick(batch.images, query.sources)  # (B, J, *S)
        with in_float32(images.device):
            return torch.einsum("bjk,bj...->bk...", gains, at_least_float32(images)) / gains.shape[1]  # (B, K, *S)


@register("part", "synthesizer")
class Synthesizer(nn.Module):
    """Answer a query about a batch: encoder, conditioners at named sites, decoder.

    A decoder that answers one target at a time is asked once for each; the features are encoded once, unless a
    conditioner on the encoder's side depends on the target.

    Args:
        encoder: Sources to features.
        decoder: Features to images.
        shortcut: What of the sources the decoder's answer is added to; nothing by default.
        conditioners: What acts at the sites of encoder and decoder, in order.
    """

    def __init__(
        self,
        *,
        encoder: Encoder,
        decoder: Decoder,
        shortcut: Shortcut | None = None,
        conditioners: Sequence[Conditioner] = (),
    ) -> None:
        super().__init__()
        self.encoder, self.decoder, self.conditioners = encoder, decoder, Conditioners(conditioners)
        self.shortcut = shortcut

    def forward(self, batch: Batch, query: Query, places: Places | None = None) -> Synthesis:
        """Synthesize the targets.

        Args:
            batch: What exists.
            query: What is shown and what is asked.
            places: Where to answer; None for the grid of the input.

        Returns:
            Images (B, K, *S), (B, K, Q) at points or (B, K, *N) on a lattice, and the features of the last encoding.
        """
        padded, moved, back = self._pad(batch, places)
        asked = [query] if self.decoder.every_target else list(query.one_by_one())
        conditions = [self.conditioners.embed(padded, one) for one in asked]
        images: list[Tensor] = []
        features, held = self._encode(padded, asked[0], conditions[0]), conditions[0]
        for one, condition in zip(asked, conditions, strict=True):
            if not self.conditioners.agree(held, condition, "encoder"):
                features, held = self._encode(padded, one, condition), condition
            modulate = self.conditioners.modulate(condition)
            images.append(self.decoder(features, one.targets, modulate, moved))
        answer = torch.cat(images, 1)  # (B, K, *S padded), (B, K, Q) or (B, K, *N)
        answer = answer[back] if places is None else answer  # (B, K, *S), (B, K, Q) or (B, K, *N)
        if self.shortcut is not None:  # of what is not padded, which costs less
            direct = self.shortcut(batch, query)  # (B, K, *S)
            answer = answer + (direct if places is None else sample_at(direct, places))
        return Synthesis(answer, features)

    @property
    def pointwise(self) -> bool:
        """Return whether the decoder answers each place by itself, so that few places cost little."""
        return self.decoder.pointwise

    def encode(self, batch: Batch, query: Query) -> Features:
        """Encode the sources, as answering the query would, and decode nothing.

        Args:
            batch: The available images.
            query: Sources and targets; the encoder may depend on both through conditioners.
        """
        return self._encode(self._pad(batch, None)[0], query, self.conditioners.embed(batch, query))

    def _encode(self, batch: Batch, query: Query, condition: Sequence[Condition]) -> Features:
        features: Features = self.encoder(batch.images, query.sources, self.conditioners.modulate(condition))
        return features

    def _pad(self, batch: Batch, places: Places | None) -> tuple[Batch, Places | None, tuple[slice, ...]]:
        images, back = pad_to_multiple(
            batch.images, self.encoder.strides[-1], self.encoder.dimensions
        )  # (B, M, *S padded)
        if places is not None:
            places = places.padded(batch.images.shape[2:], images.shape[2:])
        return replace(batch, images=images), places, back
