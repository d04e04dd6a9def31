"""What holds while a checkpoint from a stranger is opened: nothing is asked, none of its code is run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn
from unittest.mock import patch

import torch

from anysyn.files import read_json

FORBIDDEN = "trust_remote_code"  # a configuration may hold it as an option of its tokenizer


@contextmanager
def opened_safely() -> Iterator[None]:
    """Open checkpoints with transformers, open_clip and timm: no question, no code of theirs, no network on meta.

    The libraries run Python files of a checkpoint if they are allowed to, and ask on the terminal if they are not
    forbidden to; a configuration can allow it by itself. Here the one function that reads such files refuses. On the
    meta device, where recipes are checked, the hub is not contacted, either.

    Example:
        >>> from transformers import dynamic_module_utils
        >>> with opened_safely():
        ...     dynamic_module_utils.get_cached_module_file("folder", "model.py")
        Traceback (most recent call last):
        ValueError: it names Python code to run (model.py), and anysyn runs none of a checkpoint's
    """
    from huggingface_hub import constants
    from transformers import dynamic_module_utils

    offline = constants.HF_HUB_OFFLINE or laid_out()
    with (
        patch.object(dynamic_module_utils, "TIME_OUT_REMOTE_CODE", 0),  # no time to answer: it never asks
        patch.object(dynamic_module_utils, "get_cached_module_file", _refuse),
        patch.object(constants, "HF_HUB_OFFLINE", offline),
    ):
        yield


def laid_out() -> bool:
    """Return whether networks are built without memory, as where a recipe is checked.

    Example:
        >>> with torch.device("meta"):
        ...     laid_out()
        True
    """
    return torch.get_default_device().type == "meta"


def check_folder(folder: Path, configuration: str) -> None:
    """Refuse a folder whose configuration allows code to be run, or whose weights are no safetensors.

    Args:
        folder: The folder of a checkpoint.
        configuration: Name of its JSON file.

    Raises:
        ValueError: If so, or if the configuration is no JSON.
        OSError: If there is no configuration.
    """
    for path in sorted(folder.iterdir()):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ValueError(f"{path.name} is a pipe or a device; replace it with a file")
    if _mentions(read_json(folder / configuration)):
        raise ValueError(f"{configuration} has {FORBIDDEN}, and anysyn runs no code of a checkpoint; take it out")
    pickled = sorted(path.name for pattern in ("*.bin", "*.pt*", "*.npz") for path in folder.glob(pattern))
    if pickled and not laid_out() and not any(folder.glob("*.safetensors")):
        raise ValueError(f"{pickled[0]} may hold code; convert the weights to safetensors")


def _mentions(tree: Any) -> bool:
    if isinstance(tree, dict):
        return FORBIDDEN in tree or any(map(_mentions, tree.values()))
    return isinstance(tree, list) and any(map(_mentions, tree))


def _refuse(model: object, file: object, *_: object, **__: object) -> NoReturn:
    raise ValueError(f"it names Python code to run ({file}), and anysyn runs none of a checkpoint's")
