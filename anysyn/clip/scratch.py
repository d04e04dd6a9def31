"""A CLIP with sizes of its own and weights drawn anew."""

from __future__ import annotations

from anysyn.bounds import Count
from anysyn.clip.model import Clip
from anysyn.clip.pixels import Pixels
from anysyn.clip.tokens import ClipTokens
from anysyn.data.modalities import modality
from anysyn.registry import Given, register


@register("part", "clip_from_scratch")
def clip_from_scratch(
    *,
    names: Given[tuple[str, ...]],
    side: Count = 64,
    patch: Count = 8,
    width: Count = 128,
    layers: Count = 4,
    heads: Count = 4,
    embedding: Count = 128,
    tokens: Count = 77,
) -> Clip:
    """Make a CLIP with new weights: a vision transformer of one channel and a text transformer of the same size.

    Args:
        names: The modalities of the recipe.
        side: Pixels along each side of what the image tower reads.
        patch: Pixels along each side of a patch.
        width: Of both towers.
        layers: Of both towers.
        heads: Of both towers; they divide the width.
        embedding: Numbers in an embedding, D; at least one for each modality.
        tokens: Longest text, its two end marks included.

    Raises:
        ValueError: If the sizes do not fit together.

    Example:
        >>> clip = clip_from_scratch(names=("T1w", "T2w"), width=16, layers=1, heads=2, embedding=8)
        >>> clip.modality_embeddings().shape
        torch.Size([2, 8])
    """
    from transformers import CLIPConfig, CLIPModel  # here, since transformers takes seconds to import

    if side % patch or width % heads:
        raise ValueError(f"patch ({patch}) must divide side ({side}), and heads ({heads}) must divide width ({width})")
    if embedding < len(names):
        raise ValueError(f"embedding ({embedding}) must be at least the number of modalities ({len(names)})")
    words = ClipTokens(most=tokens)
    tower = {
        "hidden_size": width,
        "intermediate_size": 4 * width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "projection_dim": embedding,
    }
    text = {"vocab_size": words.vocabulary, "bos_token_id": words.begin, "eos_token_id": words.end}
    config = CLIPConfig(
        text_config={**tower, **text, "pad_token_id": 0, "max_position_embeddings": tokens},
        vision_config={**tower, "num_channels": 1, "image_size": side, "patch_size": patch},
        projection_dim=embedding,
    )
    descriptions = [modality(name).prompt for name in names]
    pixels = Pixels(side=side, mean=(0.5,), std=(0.5,))
    return Clip(towers=CLIPModel(config), tokenize=words, pixels=pixels, descriptions=descriptions)
