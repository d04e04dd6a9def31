"""Image-text pretraining: an image and its prompt, against the other prompts and images of the batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from anysyn.descriptors.text import prompts_of
from anysyn.losses.contrastive import symmetric_cross_entropy
from anysyn.objectives.embedding import numbered
from anysyn.objectives.gathering import gather
from anysyn.objectives.objective import Objective
from anysyn.ops import chosen, pick, slices
from anysyn.registry import Given, register
from anysyn.types import Batch, ImageTextModel, Query


@register("objective", "clip_pairs")
class ClipPairs(Objective):
    """Draw images and their prompts together and apart from the others of the batch (TUMSyn, Eqs. 1 to 3).

    The images are the sources of the query; one that is absent does not count. Two images with the same prompt are not
    each other's negatives. In training on several ranks each sees the pairs of all. A model of slices sees each slice
    of a volume with the volume's prompt.

    Args:
        names: The modalities of the recipe.
        clip: The image-text model; its temperature learns with it.

    Example:
        >>> from anysyn.clip import clip_from_scratch
        >>> clip = clip_from_scratch(names=("T1w", "T2w"), width=16, layers=1, heads=2, embedding=8)
        >>> batch = Batch.complete(torch.rand(2, 2, 64, 64))
        >>> query = Query(torch.tensor([[0], [1]]), torch.tensor([[0], [1]]))
        >>> list(ClipPairs(names=("T1w", "T2w"), clip=clip)(batch, query))
        ['clip_pairs']
    """

    gathers = True

    def __init__(self, *, names: Given[Sequence[str]], clip: ImageTextModel) -> None:
        super().__init__()
        self.names, self.clip = tuple(names), clip

    def forward(self, batch: Batch, query: Query) -> dict[str, Tensor]:
        """Return one term, ``clip_pairs``."""
        there = batch.available.gather(1, query.sources)  # (B, J)
        prompts = prompts_of(self.names, query.sources, query.source_acquisitions)
        said = [prompt for prompt, is_there in zip(prompts, there.flatten().tolist(), strict=True) if is_there]
        if not said:
            return {"clip_pairs": self.clip.scale() * 0}
        seen = slices(chosen(pick(batch.images, query.sources), there), self.clip.dimensions)  # (N, Z, 1, *S)
        images = self.clip.encode_image(seen.flatten(0, 1))  # (N Z, D)
        texts = self.clip.text_embeddings(said).repeat_interleave(seen.shape[1], 0)  # (N Z, D)
        groups = numbered(said).repeat_interleave(seen.shape[1])  # (N Z,)
        if self.training:
            both, groups = gather(torch.cat([images.float(), texts.float()], 1), groups)  # (N Z of all ranks, 2 D)
            images, texts = both.chunk(2, dim=1)
        return {"clip_pairs": symmetric_cross_entropy(images, texts, groups, self.clip.scale())}
