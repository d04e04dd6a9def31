"""CLIP's text transformer alone, for a network whose image tower is not needed, or not there."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from anysyn.bounds import Count
from anysyn.clip.model import Clip
from anysyn.clip.tokens import ClipTokens
from anysyn.data.modalities import named
from anysyn.registry import Given, register

TEMPERATURE = 0.07  # that Radford et al. (ICML 2021) begin with, Section 2.5


def text_transformer(
    words: ClipTokens, *, width: int, layers: int, heads: int, embedding: int, tokens: int
) -> nn.Module:
    """Make CLIP's text transformer with new weights; it embeds a text by its features at the mark of the end.

    Args:
        words: The vocabulary.
        width: Of the transformer; its hidden layers are four times as wide.
        layers: Of the transformer.
        heads: They divide the width.
        embedding: Numbers in an embedding, D.
        tokens: Longest text, its two marks included.

    Returns:
        transformers' ``CLIPTextModelWithProjection``.

    Example:
        >>> tower = text_transformer(ClipTokens(most=9), width=8, layers=1, heads=2, embedding=5, tokens=9)
        >>> tower.text_projection.weight.shape
        torch.Size([5, 8])
    """
    from transformers import CLIPTextConfig, CLIPTextModelWithProjection  # here, since it takes seconds to import

    marks = {"vocab_size": words.vocabulary, "bos_token_id": words.begin, "eos_token_id": words.end, "pad_token_id": 0}
    config = CLIPTextConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        max_position_embeddings=tokens,
        projection_dim=embedding,
        hidden_act="quick_gelu",
        **marks,
    )
    made: nn.Module = CLIPTextModelWithProjection(config)
    return made


def pooled(embedded: Tensor) -> Any:
    """Wrap embeddings as a model of transformers answers: in ``pooler_output``.

    Args:
        embedded: (N, D).

    Example:
        >>> pooled(torch.zeros(2, 3)).pooler_output.shape
        torch.Size([2, 3])
    """
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    return BaseModelOutputWithPooling(pooler_output=embedded)


class TextTower(nn.Module):
    """A text tower that stands alone, with CLIP's temperature.

    Args:
        text_tower: transformers' ``CLIPTextModelWithProjection``.
    """

    def __init__(self, *, text_tower: nn.Module) -> None:
        super().__init__()
        self.text_tower = text_tower
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / TEMPERATURE)))

    def get_text_features(self, **tokens: Tensor) -> Any:
        """Embed token rows (N, L); the answer holds ``pooler_output``, (N, D)."""
        return pooled(self.text_tower(**tokens).text_embeds)


@register("part", "clip_text")
def clip_text(
    *,
    names: Given[tuple[str, ...]],
    width: Count = 512,
    layers: Count = 8,
    heads: Count = 8,
    embedding: Count = 768,
    tokens: Count = 90,
    digits: Count | None = None,
) -> Clip:
    """Make CLIP's text transformer alone, with new weights: it embeds texts, and refuses images.

    For weights that come without an image tower, or whose image tower is another: ``anysyn import tumsyn`` writes a
    recipe with it. The defaults are the sizes of TUMSyn's published text side.

    Args:
        names: The modalities of the recipe.
        width: Of the transformer.
        layers: Of the transformer.
        heads: They divide the width.
        embedding: Numbers in an embedding, D.
        tokens: Longest prompt, its two end marks included.
        digits: As for ``clip_3d``.

    Raises:
        ValueError: If the heads do not divide the width, or a prompt of a modality alone is too long.

    Example:
        >>> clip = clip_text(names=("T1w", "T2w"), width=16, layers=1, heads=2, embedding=8)
        >>> clip.modality_embeddings().shape
        torch.Size([2, 8])
    """
    if width % heads:
        raise ValueError(f"heads ({heads}) must divide width ({width})")
    words = ClipTokens(most=tokens, digits=digits)
    tower = text_transformer(words, width=width, layers=layers, heads=heads, embedding=embedding, tokens=tokens)
    descriptions = [named(None, name).to_prompt() for name in names]
    return Clip(towers=TextTower(text_tower=tower), tokenize=words, pixels=None, descriptions=descriptions)
