"""Sizes of published checkpoints, so that a recipe with one of them is checked without the network."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from anysyn.nn.layout import RatesOnCpu

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)  # of CLIP's training images
SIDE = 224  # pixels
# Radford et al., 2021, Tables 19 and 20; what is not here is as in transformers.CLIPConfig, which is that of B/32.
CLIP: Mapping[str, Mapping[str, Any]] = {
    "openai/clip-vit-base-patch32": {},
    "openai/clip-vit-base-patch16": {"vision_config": {"patch_size": 16}},
    "openai/clip-vit-large-patch14": {
        "projection_dim": 768,
        "text_config": {"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12},
        "vision_config": {
            **{"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24},
            **{"num_attention_heads": 16, "patch_size": 14},
        },
    },
}
# open_clip_config.json of the checkpoint; its text tower is a BERT of the base size.
OPEN_CLIP: Mapping[str, Mapping[str, Any]] = {
    "microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224": {
        "embed_dim": 512,
        "vision_cfg": {
            **{"timm_model_name": "vit_base_patch16_224", "timm_model_pretrained": False},
            **{"timm_pool": "", "timm_proj": "linear", "image_size": SIDE},
        },
        "text_cfg": {
            **{"hf_proj_type": "mlp", "hf_pooler_type": "cls_last_hidden_state_pooler"},
            **{"hf_model_pretrained": False, "context_length": 256},
        },
    },
}


def clip_config(checkpoint: str) -> Any:
    """Return the configuration of a published checkpoint of transformers.

    Example:
        >>> clip_config("openai/clip-vit-base-patch16").vision_config.patch_size
        16
    """
    from transformers import CLIPConfig

    return CLIPConfig(**CLIP[checkpoint])


def open_clip_towers(checkpoint: str) -> nn.Module:
    """Build the towers of a published checkpoint of open_clip, with random weights or, on the meta device, none.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     towers = open_clip_towers("microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224")
        >>> f"{sum(weight.numel() for weight in towers.parameters()):,}"
        '195,902,721'
    """
    from open_clip import CustomTextCLIP
    from transformers import BertConfig

    config = OPEN_CLIP[checkpoint]
    with tempfile.TemporaryDirectory() as folder:  # open_clip reads the sizes of a text tower from a file alone
        (Path(folder) / "config.json").write_text(json.dumps(BertConfig().to_dict()), encoding="utf-8")
        text = {**config["text_cfg"], "hf_model_name": folder}
        with RatesOnCpu():
            towers: nn.Module = CustomTextCLIP(config["embed_dim"], dict(config["vision_cfg"]), text)
    return towers


class NoWords:
    """Rows of tokens without a meaning, for networks that are laid out: the vocabulary comes with the checkpoint.

    Args:
        most: Tokens of a row.

    Example:
        >>> NoWords(most=3)(["T1", "T2"])
        {'input_ids': [[0, 0, 0], [0, 0, 0]]}
    """

    def __init__(self, *, most: int) -> None:
        self.most = most

    def __call__(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        """Return a row for each text."""
        return {"input_ids": [[0] * self.most for _ in texts]}
