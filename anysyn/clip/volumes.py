"""A CLIP of whole volumes, with weights drawn anew: the brain MRI language-image pretraining (BMLIP) of TUMSyn."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from anysyn.bounds import Count
from anysyn.clip.model import Clip
from anysyn.clip.pixels import Voxels
from anysyn.clip.text_tower import TEMPERATURE, pooled, text_transformer
from anysyn.clip.tokens import ClipTokens
from anysyn.data.modalities import named
from anysyn.registry import Given, register


class VolumeTowers(nn.Module):
    """A three-dimensional vision transformer and CLIP's text transformer.

    Args:
        vision_tower: (B, 1, side, side, side) to (B, D), and its hidden states.
        text_tower: transformers' ``CLIPTextModelWithProjection`` of the same D.
    """

    def __init__(self, *, vision_tower: nn.Module, text_tower: nn.Module) -> None:
        super().__init__()
        self.vision_tower, self.text_tower = vision_tower, text_tower
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / TEMPERATURE)))

    def get_image_features(self, pixel_values: Tensor) -> Any:
        """Embed cubes; the answer holds ``pooler_output``, (B, D)."""
        return pooled(self.vision_tower(pixel_values)[0])

    def get_text_features(self, **tokens: Tensor) -> Any:
        """Embed token rows (N, L) by the features at the mark of the end; the answer holds (N, D)."""
        return pooled(self.text_tower(**tokens).text_embeds)


@register("part", "clip_3d")
def clip_3d(
    *,
    names: Given[tuple[str, ...]],
    size: Count = 96,
    patch: Count = 16,
    width: Count = 768,
    layers: Count = 12,
    heads: Count = 12,
    text_width: Count = 512,
    text_layers: Count = 8,
    text_heads: Count = 8,
    embedding: Count = 768,
    tokens: Count = 90,
    digits: Count | None = None,
) -> Clip:
    """Make a CLIP of volumes with new weights: a 3-D vision transformer and CLIP's text transformer.

    It describes a modality by a prompt that knows nothing else (`Acquisition.to_prompt`). The defaults are the sizes of
    TUMSyn: ViT-B/16, and a text side of 50.96 million parameters.

    Args:
        names: The modalities of the recipe.
        size: Voxels along each side of the cube that the image tower reads; any volume is resized to it.
        patch: Voxels along each side of a patch.
        width: Of the image tower; its hidden layers are four times as wide.
        layers: Of the image tower.
        heads: Of the image tower; they divide the width.
        text_width: Of the text tower.
        text_layers: Of the text tower.
        text_heads: Of the text tower; they divide its width.
        embedding: Numbers in an embedding, D.
        tokens: Longest prompt, its two end marks included.
        digits: Before the point of every number in a prompt, filled up by zeros so that a digit keeps its place; None
            for numbers as the prompt has them.

    Raises:
        ValueError: If the sizes do not fit together, or a prompt of a modality alone is too long.

    Example:
        >>> clip = clip_3d(names=("T1w", "T2w"), size=16, patch=8, width=16, layers=1, heads=2, text_width=16)
        >>> clip.encode_image(torch.rand(1, 1, 20, 24, 16)).shape
        torch.Size([1, 768])
    """
    if size % patch or width % heads or text_width % text_heads:
        raise ValueError(
            f"patch ({patch}) must divide size ({size}), heads ({heads}) width ({width}), "
            f"and text_heads ({text_heads}) text_width ({text_width})"
        )
    words = ClipTokens(most=tokens, digits=digits)
    text = text_transformer(
        words, width=text_width, layers=text_layers, heads=text_heads, embedding=embedding, tokens=tokens
    )
    vision = _vision(size, patch, width, layers, heads, embedding)
    towers = VolumeTowers(vision_tower=vision, text_tower=text)
    descriptions = [named(None, name).to_prompt() for name in names]
    return Clip(towers=towers, tokenize=words, pixels=Voxels(side=size), descriptions=descriptions)


def _vision(size: int, patch: int, width: int, layers: int, heads: int, embedding: int) -> nn.Module:
    from monai.networks.nets import ViT  # here, since it takes seconds to import

    made: nn.Module = ViT(
        in_channels=1,
        img_size=(size,) * 3,
        patch_size=(patch,) * 3,
        hidden_size=width,
        mlp_dim=4 * width,
        num_layers=layers,
        num_heads=heads,
        qkv_bias=True,
        classification=True,
        num_classes=embedding,
        post_activation=None,
    )
    return made
