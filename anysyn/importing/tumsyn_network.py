"""TUMSyn's synthesis network in the layout of its published code, and the same by the names of a recipe's parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from anysyn.importing.clip_text import Renamed

HEADS = 8  # of the fusion, whatever its width
FUSION = "conditioners.0.fusions.decoder-in"
KEY_VALUE = "fusion.block.0.c_attn.kv"
NAMES = {  # of layers; N is a number, those of the left in their order at the right
    "encoder.head.0": "encoder.head",
    "encoder.body.N.body.N": "encoder.blocks.N.body.N",
    "encoder.body.N": "encoder.last",
    "encoder.tail.0": "encoder.tail",
    "fusion.block.0.text_lora.layers.N": f"{FUSION}.adapter.N",
    "fusion.block.0.c_attn.q": f"{FUSION}.query",
    "fusion.block.0.c_attn.proj": f"{FUSION}.answer",
    "fusion.block.0.norm2.body": f"{FUSION}.inner",
    "fusion.block.0.norm3.body": f"{FUSION}.outer",
    "fusion.block.0.mlp.project_in": f"{FUSION}.ffn.widen",
    "fusion.block.0.mlp.dwconv": f"{FUSION}.ffn.neighbours",
    "fusion.block.0.mlp.project_out": f"{FUSION}.ffn.narrow",
    "imnet.layers.N": "decoder.imnet.layers.N",
}
PATTERNS = {re.compile(re.escape(theirs).replace("N", r"(\d+)")): ours for theirs, ours in NAMES.items()}
RESIDUAL_SCALE = {"resencoder-256": 0.1, "resencoder-64": 1.0}  # unless the checkpoint says another
NEEDED = (
    *("encoder.head.0.weight", "encoder.tail.0.weight"),
    *("fusion.block.0.mlp.project_in.weight", "imnet.layers.0.weight"),
)


def lacking(weights: Mapping[str, Tensor]) -> list[str]:
    """Return the names without which no sizes can be read off weights.

    Example:
        >>> lacking({})[0]
        'encoder.head.0.weight'
    """
    return [name for name in NEEDED if name not in weights]


def network(weights: Mapping[str, Tensor], encoder: Mapping[str, Any]) -> dict[str, Any]:
    """Return the synthesizer of a recipe with the sizes of published weights, as the published code evaluates them.

    Args:
        weights: By their published names, none of `lacking`.
        encoder: What the checkpoint says of its encoder: ``name`` and ``args``.
    """
    width, out = len(weights["encoder.head.0.weight"]), len(weights["encoder.tail.0.weight"])
    blocks = {found[1] for name in weights if (found := re.match(r"encoder\.body\.(\d+)\.body\.", name))}
    normed = any(name.endswith("running_mean") for name in weights)
    scale = encoder.get("args", {}).get("res_scale", RESIDUAL_SCALE.get(str(encoder.get("name")), 0.1))
    layers = sorted(int(name.split(".")[2]) for name in weights if re.fullmatch(r"imnet\.layers\.\d+\.weight", name))
    hidden = [len(weights[f"imnet.layers.{layer}.weight"]) for layer in layers[:-1]]
    expansion = len(weights["fusion.block.0.mlp.project_in.weight"]) // (2 * out)
    resnet = {"name": "resnet", "blocks": len(blocks), "width": width, "out": out, "scale": scale, "inputs": "stack"}
    published = {"heads": HEADS, "temperature": 1.0, "residual": False, "layout": "runs", "expansion": expansion}
    text = {"name": "text", "clip": "@clip"}
    return {
        "name": "synthesizer",
        "encoder": {**resnet, "norm": "batch" if normed else "none"},
        "conditioners": [{"name": "cross_attention", "at": "decoder/in", "reads": text, **published}],
        "decoder": {"name": "trilinear", "hidden": hidden, "coordinates": "absolute", "padding": "zeros"},
    }


def renamed_network(weights: Mapping[str, Tensor], prefix: str) -> Renamed:
    """Return published weights by the names of a synthesizer; they map one to one.

    Keys and values are one layer there and two here; convolutions of one voxel are linear layers here.

    Args:
        weights: By their published names.
        prefix: What the names of the synthesizer begin with.
    """
    found, unknown = dict[str, Tensor](), list[str]()
    for name, tensor in weights.items():
        layer, _, last = name.rpartition(".")
        plain = tensor.flatten(1) if tensor.shape[2:] == (1, 1, 1) else tensor
        if layer == KEY_VALUE:
            key, value = plain.chunk(2)
            found |= {f"{prefix}{FUSION}.key.{last}": key.contiguous()}
            found |= {f"{prefix}{FUSION}.value.{last}": value.contiguous()}
        elif ours := _layer(layer):
            found[f"{prefix}{ours}.{last}"] = plain
        else:
            unknown.append(name)
    return Renamed(found, unknown)


def _layer(theirs: str) -> str | None:
    for pattern, ours in PATTERNS.items():
        if matched := pattern.fullmatch(theirs):
            numbers = iter(matched.groups())
            return re.sub("N", lambda _: next(numbers), ours)  # noqa: B023 - used up before the next round
    return None
