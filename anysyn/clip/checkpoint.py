"""A CLIP-like model from a checkpoint of transformers."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from torch import nn

from anysyn.clip.known import CLIP, MEAN, STD, clip_config
from anysyn.clip.model import Clip, Tokenize
from anysyn.clip.pixels import Pixels
from anysyn.clip.stranger import check_folder, laid_out, opened_safely
from anysyn.clip.tokens import CheckpointTokens, ClipTokens
from anysyn.data.modalities import modality
from anysyn.errors import RecipeError, reason
from anysyn.registry import Given, register

T = TypeVar("T")

FILES = "config.json, model.safetensors, preprocessor_config.json and the tokenizer"


@register("part", "clip")
def pretrained_clip(*, names: Given[tuple[str, ...]], checkpoint: str, revision: str = "main") -> Clip:
    """Load a CLIP-like model of transformers from the Hugging Face hub or from a folder.

    Weights are read from safetensors only; pickles are refused. On the meta device, where recipes are checked, the
    model is laid out by its configuration and no weights are read.

    Args:
        names: The modalities of the recipe.
        checkpoint: Name on the hub, for example ``openai/clip-vit-base-patch32``, or a folder.
        revision: Branch, tag or commit on the hub.

    Raises:
        RecipeError: If it cannot be loaded, or lacks weights.
        ValueError: If the model is not CLIP-like, or a modality's description is too long for it.
    """
    with explained(checkpoint, FILES), opened_safely():
        known = laid_out() and checkpoint in CLIP and not Path(checkpoint).is_dir()
        towers, tokenize, pixels = _published(checkpoint) if known else _read(checkpoint, revision)
    descriptions = [modality(name).prompt for name in names]
    return Clip(towers=towers, tokenize=tokenize, pixels=pixels, descriptions=descriptions)


def _published(checkpoint: str) -> tuple[nn.Module, Tokenize, Pixels]:
    """Lay out a checkpoint whose sizes are known."""
    config = clip_config(checkpoint)
    tokenize = ClipTokens(most=config.text_config.max_position_embeddings)
    return _empty_towers(config), tokenize, Pixels(side=config.vision_config.image_size, mean=MEAN, std=STD)


def _read(checkpoint: str, revision: str) -> tuple[nn.Module, Tokenize, Pixels]:
    from transformers import AutoConfig, AutoTokenizer  # here, since transformers takes seconds to import
    from transformers.image_processing_base import ImageProcessingMixin

    if Path(checkpoint).is_dir():
        check_folder(Path(checkpoint), "config.json")
    config = _cached(AutoConfig.from_pretrained, checkpoint, revision, trust_remote_code=False)
    tokenizer = _cached(AutoTokenizer.from_pretrained, checkpoint, revision, trust_remote_code=False)
    prepared, _ = _cached(ImageProcessingMixin.get_image_processor_dict, checkpoint, revision)
    if not (hasattr(config, "text_config") and hasattr(config, "vision_config")):
        raise ValueError(f"a model of type {config.model_type!r} has no text tower and image tower")
    towers = _empty_towers(config) if laid_out() else _towers(checkpoint, revision)
    tokenize = CheckpointTokens(tokenizer=tokenizer, most=config.text_config.max_position_embeddings)
    return towers, tokenize, _pixels(config.vision_config, prepared)


def _empty_towers(config: Any) -> nn.Module:
    from transformers import AutoModel

    return cast(nn.Module, AutoModel.from_config(config, trust_remote_code=False))


def _towers(checkpoint: str, revision: str) -> nn.Module:
    from transformers import AutoModel

    safe = {"use_safetensors": True, "trust_remote_code": False, "dtype": torch.float32, "output_loading_info": True}
    towers, info = _cached(AutoModel.from_pretrained, checkpoint, revision, **safe)
    if info["missing_keys"]:
        absent = sorted(info["missing_keys"])
        raise ValueError(f"its weights lack {len(absent)} tensors, {absent[0]} among them")
    return cast(nn.Module, towers)


def _pixels(vision: Any, prepared: dict[str, Any]) -> Pixels:
    channels, side = vision.num_channels, vision.image_size
    if not isinstance(side, int):
        raise ValueError(f"its images are not square: image_size is {side}")
    mean, std = [0.0] * channels, [1.0] * channels
    if prepared.get("do_normalize", True):
        mean, std = prepared.get("image_mean", []), prepared.get("image_std", [])
    if len(mean) != channels or len(std) != channels:
        raise ValueError(f"it reads {channels} channels, but image_mean has {len(mean)} and image_std {len(std)}")
    return Pixels(side=side, mean=tuple(mean), std=tuple(std))


def _cached(read: Callable[..., T], checkpoint: str, revision: str, **options: Any) -> T:
    """Read from the folder or the cache, and only what is not there from the network."""
    try:
        return read(checkpoint, revision=revision, local_files_only=True, **options)
    except OSError:
        if laid_out():
            raise
        return read(checkpoint, revision=revision, **options)


@contextmanager
def explained(checkpoint: str, files: str) -> Iterator[None]:
    """Say in one line why a checkpoint cannot be loaded, and which files a folder needs.

    Raises:
        RecipeError: If it cannot be loaded.
    """
    try:
        yield
    except RecipeError:
        raise
    except Exception as error:  # a configuration that is not one fails in the libraries in every way
        where = "that the network reaches or the cache holds"
        if laid_out():
            where = f"in the cache, which a check of a recipe alone reads: `hf download {shlex.quote(checkpoint)}`"
        raise RecipeError(
            f"checkpoint {checkpoint!r} cannot be loaded: {reason(error).rstrip('.')}; name a folder with {files}, or "
            f"a model of the Hugging Face hub {where} (HF_HOME says where the cache is)"
        ) from error
