"""Contrastive pretraining of an encoder: the same slice in all its modalities, against all other slices."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from anysyn.bounds import Count, NotNegative, Positive
from anysyn.losses.contrastive import mean_similarity, supervised_infonce
from anysyn.losses.feature import feature_map_distance
from anysyn.objectives.embedding import embed, groups_of
from anysyn.objectives.gathering import gather
from anysyn.objectives.objective import Objective
from anysyn.ops import chosen
from anysyn.registry import register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Query


@register("objective", "contrastive")
class Contrastive(Objective):
    """Draw the modalities of one slice together and the slices apart (OmniSyn, Eqs. 2 to 4, Algorithm 1).

    Three terms: InfoNCE between subjects (Eq. 4), and within a subject the negative cosine of its embeddings and the
    distance of its feature maps (Eq. 3), which are those of all levels but the deepest. A batch larger than a chunk is
    encoded in chunks whose activations are made again in the backward pass, so the number of negatives does not depend
    on memory. In training on several ranks each sees the embeddings of all; a validation compares within its batches,
    so that its score does not depend on the number of ranks.

    Args:
        model: Whose encoder learns. It embeds every available modality alone.
        temperature: Of InfoNCE, above 0.
        chunk: Samples encoded at once.
        infonce: Weight of InfoNCE.
        vector: Weight of the negative cosine.
        feature_map: Weight of the distance of the feature maps.

    Raises:
        ValueError: If the temperature or the chunk is too small.

    Example:
        >>> from anysyn.build import load, parts
        >>> objective = Contrastive(model=parts(load("small/label"))["synthesizer"], chunk=2)
        >>> batch = Batch.complete(torch.rand(4, 4, 16, 16))
        >>> list(objective(batch, query=None))
        ['infonce', 'vector', 'feature_map']
    """

    gathers = True

    def __init__(
        self,
        *,
        model: Synthesizer,
        temperature: Positive = 0.1,
        chunk: Count = 8,
        infonce: NotNegative = 1.0,
        vector: NotNegative = 1.0,
        feature_map: NotNegative = 1.0,
    ) -> None:
        super().__init__()
        if temperature <= 0 or chunk < 1:
            raise ValueError(f"temperature ({temperature}) must be above 0 and chunk ({chunk}) at least 1")
        self.model, self.temperature, self.chunk = model, temperature, chunk
        self.weights = {"infonce": infonce, "vector": vector, "feature_map": feature_map}

    def forward(self, batch: Batch, query: Query) -> dict[str, Tensor]:
        """Return the weighted terms ``infonce``, ``vector`` and ``feature_map``."""
        pieces = [self._encoded(batch, rows) for rows in self._chunks(len(batch.images))]
        vectors, distances = (torch.cat(column) for column in zip(*pieces, strict=True))  # (B, M, C), (P,)
        groups = groups_of(batch).unsqueeze(1).expand(batch.available.shape)  # (B, M)
        vectors, groups = chosen(vectors, batch.available), groups[batch.available]  # (N, C), (N,)
        if self.training:
            vectors, groups = gather(vectors, groups)  # (N of all ranks, C), (N of all ranks,)
        terms = {
            "infonce": supervised_infonce(vectors, groups, self.temperature),
            "vector": -mean_similarity(vectors, groups),
            "feature_map": distances.mean() if len(distances) else vectors.sum() * 0,
        }
        return {name: self.weights[name] * term for name, term in terms.items()}

    def _chunks(self, samples: int) -> Iterator[slice]:
        return (slice(first, first + self.chunk) for first in range(0, samples, self.chunk))

    def _encoded(self, batch: Batch, rows: slice) -> tuple[Tensor, Tensor]:
        if not torch.is_grad_enabled() or self.chunk >= len(batch.images):
            return self._encode(batch, rows)
        encoded: tuple[Tensor, Tensor] = checkpoint(self._encode, batch, rows, use_reentrant=False)
        return encoded

    def _encode(self, batch: Batch, rows: slice) -> tuple[Tensor, Tensor]:
        part, available = batch.take(rows), batch.available[rows]  # (b, M)
        held = available.any(0).nonzero().flatten().tolist()
        found = {m: embed(self.model, part, m) for m in held}
        blank = torch.zeros_like(found[held[0]][0])  # (b, C)
        vectors = [found[m][0] if m in found else blank for m in range(available.shape[1])]
        distances = [
            chosen(feature_map_distance(found[a][1].skips, found[b][1].skips), available[:, a] & available[:, b])
            for a, b in combinations(held, 2)
        ]
        return torch.stack(vectors, 1), torch.cat([blank[:0, 0], *distances])  # (b, M, C), (pairs,)
