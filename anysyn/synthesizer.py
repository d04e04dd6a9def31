"""Encoder, conditioners and decoder as one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from anysyn.conditioners import Conditioner, Conditioners
from anysyn.ops import pad_to_multiple
from anysyn.points import Places, sample_at
from anysyn.registry import register
from anysyn.shortcuts import Shortcut
from anysyn.types import Batch, Condition, Decoder, Encoder, Features, Query, Synthesis


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

    _latest: tuple[Batch, Query, Tensor] | None = None  # what was answered last in training, without gradients

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
        if places is None and self.training and torch.is_grad_enabled():
            self._latest = batch, query, answer.detach()
        return Synthesis(answer, features)

    def without_gradients(self, batch: Batch, query: Query) -> Tensor:
        """Return the images (B, K, *S) for a discriminator to learn from, without gradients.

        What the generator's step has just answered the same batch with is not made again: as in pix2pix, the
        discriminator then learns from the very images that the generator learned from, made before its weights moved.

        Args:
            batch: What exists.
            query: What is shown and what is asked.
        """
        if self._latest is not None and self._latest[0] is batch:
            columns = _columns(self._latest[1], query)
            if columns is not None:
                return self._latest[2][:, columns]  # (B, K, *S)
        with torch.no_grad():
            answer: Synthesis = self(batch, query)
        return answer.images

    @property
    def pointwise(self) -> bool:
        """Return whether the decoder answers each place by itself, so that few places cost little."""
        return self.decoder.pointwise

    def encode(self, batch: Batch, query: Query) -> Features:
        """Encode the sources, as answering the query would, and decode nothing.

        Args:
            batch: What exists.
            query: What is shown, and what the encoder's side is told of the target.
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


def _columns(answered: Query, asked: Query) -> list[int] | None:
    """Say which answers of one query are those that another asks for, or None if it asks for something else."""
    if answered.sources is not asked.sources or answered.time is not asked.time:
        return None
    same = (answered.targets.unsqueeze(2) == asked.targets.unsqueeze(1)).all(0)  # (K answered, K asked)
    columns: list[int] = same.int().argmax(0).tolist()
    told = tuple(tuple(row[k] for k in columns) for row in answered.target_acquisitions)
    known = bool(same.any(0).all()) and told == asked.target_acquisitions
    return columns if known and answered.source_acquisitions == asked.source_acquisitions else None
