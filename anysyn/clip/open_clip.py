"""A CLIP-like model of open_clip, such as BiomedCLIP, from the hub or from a folder."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from anysyn.clip.checkpoint import explained
from anysyn.clip.known import MEAN, OPEN_CLIP, SIDE, STD, NoWords, open_clip_towers
from anysyn.clip.model import Clip
from anysyn.clip.pixels import Pixels
from anysyn.clip.stranger import check_folder, laid_out, opened_safely
from anysyn.clip.text_tower import pooled
from anysyn.clip.tokens import refuse_long
from anysyn.data.modalities import modality
from anysyn.errors import RecipeError
from anysyn.nn.layout import RatesOnCpu
from anysyn.registry import Given, register

FILES = "open_clip_config.json, open_clip_model.safetensors and the tokenizer"


@register("part", "open_clip")
def open_clip_model(*, names: Given[tuple[str, ...]], checkpoint: str) -> Clip:
    """Load a CLIP-like model of open_clip from the Hugging Face hub or from a folder.

    On the meta device, where recipes are checked, the model is laid out by its configuration and no weights are read.

    Args:
        names: The modalities of the recipe.
        checkpoint: Name on the hub, for example ``microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224``, or a
            folder.

    Raises:
        RecipeError: If it cannot be loaded, has no weights, or needs what is not installed.
        ValueError: If a modality's description is too long for it.
    """
    check_library()
    descriptions = [modality(name).prompt for name in names]
    with explained(checkpoint, FILES), opened_safely():
        if laid_out() and checkpoint in OPEN_CLIP and not Path(checkpoint).is_dir():
            return _published(checkpoint, descriptions)
        model, tokenizer = _model_and_tokenizer(checkpoint)
        if not isinstance(getattr(model, "text", None), nn.Module):
            raise ValueError(f"a {type(model).__name__} has no text tower and image tower")
        seen = model.visual.preprocess_cfg
        side = seen["size"] if isinstance(seen["size"], int) else seen["size"][0]
        pixels = Pixels(side=side, mean=tuple(seen["mean"]), std=tuple(seen["std"]))
    towers = OpenTowers(visual=model.visual, text=model.text, logit_scale=model.logit_scale)
    tokenize = OpenTokens(tokenizer=tokenizer, most=tokenizer.context_length)
    return Clip(towers=towers, tokenize=tokenize, pixels=pixels, descriptions=descriptions)


def check_library() -> None:
    """Raise a `RecipeError` unless the extra that open_clip comes with is installed."""
    if find_spec("open_clip") is None:
        raise RecipeError("part 'open_clip' needs open_clip_torch; install it with: pip install 'anysyn[open_clip]'")


def _published(checkpoint: str, descriptions: Sequence[str]) -> Clip:
    """Lay out a checkpoint whose sizes are known."""
    model: Any = open_clip_towers(checkpoint)
    towers = OpenTowers(visual=model.visual, text=model.text, logit_scale=model.logit_scale)
    tokenize = NoWords(most=OPEN_CLIP[checkpoint]["text_cfg"]["context_length"])
    return Clip(
        towers=towers, tokenize=tokenize, pixels=Pixels(side=SIDE, mean=MEAN, std=STD), descriptions=descriptions
    )


class OpenTowers(nn.Module):
    """Answer with the towers of an open_clip model as a model of transformers does."""

    def __init__(self, *, visual: nn.Module, text: nn.Module, logit_scale: nn.Parameter) -> None:
        super().__init__()
        self.visual, self.text, self.logit_scale = visual, text, logit_scale

    def get_image_features(self, pixel_values: Tensor) -> Any:
        """Embed slices; the answer holds ``pooler_output``, (B, D)."""
        return pooled(self.visual(pixel_values))

    def get_text_features(self, input_ids: Tensor) -> Any:
        """Embed token rows (N, L); the answer holds ``pooler_output``, (N, D)."""
        if input_ids.is_meta and hasattr(self.text, "config"):  # one of transformers reads whether tokens are padded
            width: Any = self.text.output_dim
            return pooled(torch.empty((len(input_ids), width), device="meta"))
        return pooled(self.text(input_ids))


class OpenTokens:
    """Tokenize as open_clip does, but never cut a text short.

    Args:
        tokenizer: What ``open_clip.get_tokenizer`` returned.
        most: Tokens that the text tower takes.

    Example:
        >>> from open_clip.tokenizer import SimpleTokenizer
        >>> OpenTokens(tokenizer=SimpleTokenizer(context_length=5), most=5)(["T1"])["input_ids"]
        [[49406, 339, 272, 49407, 0]]
    """

    def __init__(self, *, tokenizer: Any, most: int) -> None:
        self.tokenizer, self.most = tokenizer, most

    def __call__(self, texts: Sequence[str]) -> dict[str, list[list[int]]]:
        """Return rows of equal length."""
        refuse_long(texts, self.most, self._count)
        with torch.device("cpu"):  # its rows are tensors, which hold no numbers where recipes are checked
            return {"input_ids": self.tokenizer(list(texts), context_length=self.most).tolist()}

    def _count(self, text: str) -> int:
        inner = getattr(self.tokenizer, "tokenizer", None)  # one of transformers
        if inner is not None:
            return len(inner(self.tokenizer.clean_fn(text))["input_ids"])
        return len(self.tokenizer.encode(text)) + 2  # the marks of the beginning and the end


def _model_and_tokenizer(checkpoint: str) -> tuple[Any, Any]:
    import open_clip  # here, since it takes seconds to import

    is_folder, read = Path(checkpoint).is_dir(), not laid_out()
    if is_folder:
        check_folder(Path(checkpoint), "open_clip_config.json")
    name = f"local-dir:{checkpoint}" if is_folder else f"hf-hub:{checkpoint}"
    device = torch.get_default_device()
    with RatesOnCpu(), nullcontext() if read else _without_warnings():  # it warns of random weights
        model = open_clip.create_model(
            name,
            device=device,
            load_weights=read,
            require_pretrained=read,
            pretrained_text=False,
            force_custom_text=True,
            weights_only=True,
        )
    with torch.device("cpu"):
        tokenizer = open_clip.get_tokenizer(name)
    return model, tokenizer


@contextmanager
def _without_warnings() -> Iterator[None]:
    def severe(record: logging.LogRecord) -> bool:
        return record.levelno > logging.WARNING

    root = logging.getLogger()
    root.addFilter(severe)
    try:
        yield
    finally:
        root.removeFilter(severe)
