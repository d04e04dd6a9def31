"""Tiny checkpoints of a CLIP, as transformers and open_clip write them."""

import json

import safetensors.torch
import torch

TOWER = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
MOST = 260  # tokens: every letter is one


def tokenizer():
    """Return a tokenizer that knows letters and no merges."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={word: i for i, word in enumerate(words)}, merges=[], model_max_length=MOST)


def write_checkpoint(folder):
    """Write configuration, weights, tokenizer and image processor."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    words = tokenizer()
    marks = {"vocab_size": len(words), "bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id}
    config = CLIPConfig(
        text_config={**TOWER, **marks, "max_position_embeddings": MOST},
        vision_config={**TOWER, "image_size": 16, "patch_size": 8},
        projection_dim=8,
    )
    torch.manual_seed(0)
    CLIPModel(config).save_pretrained(folder)
    words.save_pretrained(folder)
    CLIPImageProcessor(image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.4]).save_pretrained(folder)
    return folder


OPEN_TOWER = {"layers": 1, "width": 16}
OPEN = {
    "model_cfg": {
        "embed_dim": 8,
        "vision_cfg": {**OPEN_TOWER, "image_size": 16, "patch_size": 8, "head_width": 8},
        "text_cfg": {**OPEN_TOWER, "context_length": MOST, "vocab_size": 49408, "heads": 2},
    },
    "preprocess_cfg": {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.4]},
}


def write_open_checkpoint(folder):
    """Write configuration and weights as open_clip does."""
    from open_clip import CLIP

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps(OPEN))
    torch.manual_seed(0)
    safetensors.torch.save_file(CLIP(**OPEN["model_cfg"]).state_dict(), folder / "open_clip_model.safetensors")
    return folder
