"""The text tower of MedCLIP (Wang et al., EMNLP 2022), from a folder that `anysyn import medclip` writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from anysyn.clip.checkpoint import explained
from anysyn.clip.model import Clip
from anysyn.clip.stranger import check_folder, laid_out, opened_safely
from anysyn.clip.text_tower import pooled
from anysyn.clip.tokens import CheckpointTokens
from anysyn.data.modalities import modality
from anysyn.registry import Given, register

FILES = "config.json of its BERT, model.safetensors and the tokenizer, as `anysyn import medclip` writes it"
WEIGHTS = "model.safetensors"
READ = (1, 2, -1)  # the layers whose answers are averaged


class MedClipText(nn.Module):
    """A BERT whose first, second and last layer are averaged over a text's tokens and projected.

    Args:
        config: transformers' configuration of the BERT.
        embedding: Numbers in an embedding, D.
    """

    def __init__(self, *, config: Any, embedding: int) -> None:
        super().__init__()
        from transformers import BertModel  # here, since transformers takes seconds to import

        self.model = BertModel(config)
        self.projection_head = nn.Linear(config.hidden_size, embedding, bias=False)

    def forward(self, attention_mask: Tensor, **tokens: Tensor) -> Tensor:
        """Embed token rows (N, L) as (N, D); padding, where the mask is 0, counts for nothing."""
        told = self.model(attention_mask=attention_mask, output_hidden_states=True, **tokens).hidden_states
        layers = torch.stack([told[layer] for layer in READ]).mean(0)  # (N, L, C)
        counts = attention_mask.unsqueeze(-1).to(layers)  # (N, L, 1)
        embedded: Tensor = self.projection_head((layers * counts).sum(1) / counts.sum(1))  # (N, D)
        return embedded


class MedClipTowers(nn.Module):
    """MedCLIP without its image tower.

    Args:
        text_model: The text tower.
    """

    def __init__(self, *, text_model: MedClipText) -> None:
        super().__init__()
        self.text_model, self.logit_scale = text_model, nn.Parameter(torch.zeros(()))

    def get_text_features(self, **tokens: Tensor) -> Any:
        """Embed token rows (N, L); the answer holds ``pooler_output``, (N, D)."""
        if tokens["input_ids"].is_meta:  # transformers reads whether tokens are padded
            width = self.text_model.projection_head.out_features
            return pooled(torch.empty((len(tokens["input_ids"]), width), device="meta"))
        return pooled(self.text_model(**tokens))


@register("part", "medclip")
def medclip(*, names: Given[tuple[str, ...]], checkpoint: str) -> Clip:
    """Load the text tower of MedCLIP, a BERT for clinical text, from a folder; it refuses images.

    An embedding is not normalised. A text is embedded as if alone: the published code averages over the padding, too,
    so that a text's embedding depends on the longest one beside it.

    Args:
        names: The modalities of the recipe.
        checkpoint: A folder that ``anysyn import medclip`` wrote.

    Raises:
        RecipeError: If it cannot be loaded.
        ValueError: If a modality's description is too long for it.
    """
    from transformers import AutoTokenizer, BertConfig

    folder = Path(checkpoint)
    with explained(checkpoint, FILES), opened_safely():
        check_folder(folder, "config.json")
        config = BertConfig.from_pretrained(folder, local_files_only=True)
        words = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        with safetensors.safe_open(folder / WEIGHTS, "pt") as file:  # its header
            embedding, _ = file.get_slice("text_model.projection_head.weight").get_shape()
        towers = MedClipTowers(text_model=MedClipText(config=config, embedding=embedding))
        if not laid_out():
            towers.load_state_dict(safetensors.torch.load_file(folder / WEIGHTS))
    tokenize = CheckpointTokens(tokenizer=words, most=config.max_position_embeddings)
    descriptions = [modality(name).prompt for name in names]
    return Clip(towers=towers, tokenize=tokenize, pixels=None, descriptions=descriptions)
