"""Classify the modality of images by the descriptions they resemble, and of texts by their embedding."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from anysyn.types import ImageTextModel


def modality_logits(images: Tensor, texts: Tensor, scale: Tensor | float) -> Tensor:
    """Compare embeddings of images with one embedding for each modality.

    ``scale * cos(E_v, E_t)``: CLIP's logits (Radford et al., ICML 2021, Fig. 3).

    Args:
        images: (B, D).
        texts: (M, D).
        scale: What a cosine is multiplied by.

    Returns:
        (B, M).

    Example:
        >>> import torch
        >>> modality_logits(torch.tensor([[3.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 2.0]]), 10.0)
        tensor([[10.,  0.]])
    """
    return scale * F.normalize(images.float(), dim=1) @ F.normalize(texts.float(), dim=1).T  # (B, M)


def classify(model: ImageTextModel, images: Tensor) -> Tensor:
    """Return for slices (B, 1, H, W), about 0 to 1, the probability of each modality of the recipe: (B, M)."""
    return modality_logits(model.encode_image(images), model.modality_embeddings(), model.scale()).softmax(1)


def classify_texts(model: ImageTextModel, texts: Sequence[str]) -> Tensor:
    """Return the probability of each class for each text.

    The embedding itself is the logits, as Algorithm 2 (line 3) of OmniSyn writes it: class i is coordinate i. The first
    M classes are the modalities of the recipe; an untrained model finds one only by chance, 1 in D.

    Returns:
        (N, D); each row sums to 1.
    """
    return model.encode_text(texts).float().softmax(1)  # (N, D)
