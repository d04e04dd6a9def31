"""Classification of the modality: the pretraining that OmniSyn compares with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from anysyn.objectives.embedding import embed
from anysyn.objectives.objective import Objective
from anysyn.ops import chosen
from anysyn.registry import Given, register
from anysyn.synthesizer import Synthesizer
from anysyn.types import Batch, Query


@register("part", "modality_head")
class ModalityHead(nn.Linear):
    """Read the modality off an embedding, linearly.

    Args:
        model: Whose embeddings it reads.
        modalities: How many modalities the recipe has.

    Example:
        >>> from anysyn.build import load, parts
        >>> ModalityHead(model=parts(load("small/label"))["synthesizer"], modalities=4)
        ModalityHead(in_features=128, out_features=4, bias=True)
    """

    def __init__(self, *, model: Synthesizer, modalities: Given[int]) -> None:
        super().__init__(model.encoder.widths[-1], modalities)


@register("objective", "classification")
class Classification(Objective):
    """Train the encoder to classify the modality of an image (Table 5 of OmniSyn, middle column).

    Args:
        model: Whose encoder learns. It embeds every available modality alone.
        head: What reads the modality off the embedding.

    Example:
        >>> from anysyn.build import load, parts
        >>> model = parts(load("small/label"))["synthesizer"]
        >>> objective = Classification(model=model, head=ModalityHead(model=model, modalities=4))
        >>> batch = Batch.complete(torch.rand(2, 4, 16, 16))
        >>> list(objective(batch, query=None))
        ['classification']
    """

    def __init__(self, *, model: Synthesizer, head: ModalityHead) -> None:
        super().__init__()
        self.model, self.head = model, head

    def forward(self, batch: Batch, query: Query) -> dict[str, Tensor]:
        """Return one term, ``classification``: the cross-entropy over all available images."""
        logits, wanted = [], []
        for m in batch.available.any(0).nonzero().flatten().tolist():
            vectors = chosen(embed(self.model, batch, m)[0], batch.available[:, m])  # (n, C)
            logits.append(self.head(vectors))  # (n, M)
            wanted.append(torch.full((len(vectors),), m, device=vectors.device))
        return {"classification": F.cross_entropy(torch.cat(logits).float(), torch.cat(wanted))}
