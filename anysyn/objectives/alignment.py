"""Vision-language alignment in two steps: the text tower learns the modalities, then the image tower follows it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from anysyn.clip import modality_logits
from anysyn.objectives.objective import Objective
from anysyn.ops import beside, chosen, slices
from anysyn.registry import register
from anysyn.types import Batch, ImageTextModel, Query


@register("objective", "text_modality")
class TextModality(Objective):
    """Train the text tower to classify the modality of each description.

    Cross-entropy of the embedding with the modality's number: OmniSyn, Algorithm 2, lines 2 and 3. The embedding itself
    is the logits, as the algorithm writes it. All descriptions take part in every batch, whatever it holds.

    Args:
        clip: The image-text model.

    Example:
        >>> from anysyn.clip import clip_from_scratch
        >>> clip = clip_from_scratch(names=("T1w", "T2w"), width=16, layers=1, heads=2, embedding=8)
        >>> list(TextModality(clip=clip)(batch=None, query=None))
        ['text_modality']
    """

    def __init__(self, *, clip: ImageTextModel) -> None:
        super().__init__()
        self.clip = clip

    def forward(self, batch: Batch, query: Query) -> dict[str, Tensor]:
        """Return one term, ``text_modality``."""
        logits = self.clip.encode_text(self.clip.descriptions).float()  # (M, D)
        return {"text_modality": F.cross_entropy(logits, torch.arange(len(logits), device=logits.device))}


@register("objective", "image_modality")
class ImageModality(Objective):
    """Train the image tower to match each image with the description of its modality.

    Cross-entropy over scaled cosines with the fixed embeddings of the descriptions: OmniSyn, Algorithm 2, lines 6 and
    7. Every modality that a sample has takes part, whatever the query shows; of an image with three voxel axes each
    slice along the first does.

    Args:
        clip: The image-text model.

    Example:
        >>> from anysyn.clip import clip_from_scratch
        >>> clip = clip_from_scratch(names=("T1w", "T2w"), width=16, layers=1, heads=2, embedding=8)
        >>> available = torch.tensor([[True, False], [True, True]])
        >>> batch = Batch(torch.rand(2, 2, 64, 64), available, torch.ones(2, 1), torch.ones(2, 2))
        >>> list(ImageModality(clip=clip)(batch, query=None))
        ['image_modality']
    """

    def __init__(self, *, clip: ImageTextModel) -> None:
        super().__init__()
        self.clip = clip

    def forward(self, batch: Batch, query: Query) -> dict[str, Tensor]:
        """Return one term, ``image_modality``."""
        seen = slices(chosen(batch.images, batch.available), self.clip.dimensions)  # (N, Z, 1, H, W)
        numbers = batch.available.nonzero()[:, 1].repeat_interleave(seen.shape[1])  # (N Z,)
        embedded = self.clip.encode_image(seen.flatten(0, 1))  # (N Z, D)
        logits = modality_logits(embedded, self.clip.modality_embeddings().detach(), self.clip.scale())  # (N Z, M)
        return {"image_modality": F.cross_entropy(logits, beside(numbers, logits))}
