"""The text transformer in the layout of OpenAI's CLIP, and the same by the names of transformers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor

HEAD = 64  # width of a head in every CLIP: Radford et al., ICML 2021, Tables 19 and 20
WITHIN = {"attn.out_proj": "self_attn.out_proj", "ln_1": "layer_norm1", "ln_2": "layer_norm2"}
WITHIN |= {"mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2"}
AROUND = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
LAYER = re.compile(r"transformer\.resblocks\.(\d+)\.(.+)\.(weight|bias)")
QUERY_KEY_VALUE = re.compile(r"transformer\.resblocks\.(\d+)\.attn\.in_proj_(weight|bias)")


class Renamed(NamedTuple):
    """Weights by the names of the network here, and the names that it has no place for."""

    weights: dict[str, Tensor]
    unknown: list[str]


def is_clip(weights: Mapping[str, Tensor]) -> bool:
    """Return whether weights have the text side of a CLIP in OpenAI's layout."""
    return {"token_embedding.weight", "positional_embedding", "text_projection"} <= weights.keys()


def text_sizes(weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read the sizes of a text transformer off its weights, as part ``clip_text`` has them.

    Example:
        >>> import torch
        >>> weights = {"token_embedding.weight": torch.ones(9, 128), "positional_embedding": torch.ones(5, 128)}
        >>> text_sizes({**weights, "text_projection": torch.ones(128, 7)})
        {'width': 128, 'layers': 0, 'heads': 2, 'embedding': 7, 'tokens': 5}
    """
    tokens, width = weights["positional_embedding"].shape
    layers = {found[1] for name in weights if (found := LAYER.fullmatch(name))}
    embedding = weights["text_projection"].shape[-1]
    return {
        "width": width,
        "layers": len(layers),
        "heads": max(1, width // HEAD),
        "embedding": embedding,
        "tokens": tokens,
    }


def renamed_text(weights: Mapping[str, Tensor], prefix: str) -> Renamed:
    """Return the text side of a CLIP by the names of transformers; its image side, ``visual.``, is left out.

    The names map one to one; the three projections of an attention lie in one matrix there, and the projection of the
    text is transposed.

    Args:
        weights: By the names of OpenAI's CLIP.
        prefix: What the names of part ``clip_text`` begin with.
    """
    found, unknown = dict[str, Tensor](), list[str]()
    for name, tensor in weights.items():
        if not name.startswith("visual."):
            names = _text_names(name)
            parts = tensor.chunk(3) if len(names) == 3 else (tensor.T if name == "text_projection" else tensor,)
            found |= {f"{prefix}{new}": part.contiguous() for new, part in zip(names, parts, strict=False)}
            unknown += [] if names else [name]
    return Renamed(found, unknown)


def _text_names(name: str) -> list[str]:
    if name == "logit_scale":
        return ["logit_scale"]
    if name == "text_projection":
        return ["text_tower.text_projection.weight"]
    inside = "text_tower.text_model."
    if name in AROUND:
        return [inside + AROUND[name]]
    if found := QUERY_KEY_VALUE.fullmatch(name):
        return [f"{inside}encoder.layers.{found[1]}.self_attn.{one}_proj.{found[2]}" for one in "qkv"]
    found = LAYER.fullmatch(name)
    if found and found[2] in WITHIN:
        return [f"{inside}encoder.layers.{found[1]}.{WITHIN[found[2]]}.{found[3]}"]
    return []
