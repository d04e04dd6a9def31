"""Backbones of timm by their names, for images with two voxel axes.

Importing timm takes seconds, so it happens where a recipe first needs one of them.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import torch
from torch import nn

from anysyn.errors import RecipeError
from anysyn.registry import suggest


def classifier(backbone: str, channels: int, outputs: int) -> nn.Module:
    """Make a classifier of timm with new weights.

    Args:
        backbone: Its name.
        channels: Channels in.
        outputs: Numbers out.

    Raises:
        RecipeError: If timm does not know it.

    Example:
        >>> classifier("test_resnet", 1, 3)(torch.rand(2, 1, 64, 64)).shape
        torch.Size([2, 3])
    """
    made: nn.Module = _made(backbone, in_chans=channels, num_classes=outputs)
    return made


def pyramid(backbone: str, channels: int, *, pretrained: bool) -> tuple[nn.Module, tuple[int, ...], tuple[int, ...]]:
    """Make the part of a timm model that gives features at several levels.

    Args:
        backbone: Its name.
        channels: Channels in; pretrained weights of the first layer are adapted to them.
        pretrained: Whether its published weights are taken, from the hub or its cache. On the meta device, where
            recipes are checked, none are read.

    Returns:
        The network, the channels of its levels and their strides, finest first.

    Raises:
        RecipeError: If timm does not know it, gives no levels of it, or has no weights for it.

    Example:
        >>> pyramid("test_resnet", 1, pretrained=False)[1:]
        ((32, 32, 48, 192, 96), (2, 4, 8, 16, 32))
    """
    read = pretrained and torch.get_default_device().type != "meta"
    made = _made(backbone, in_chans=channels, features_only=True, pretrained=read)
    made.published = pretrained
    return made, tuple(made.feature_info.channels()), tuple(made.feature_info.reduction())


def _made(backbone: str, **keys: Any) -> Any:
    import timm

    plain = backbone.split(".")[0]
    if not timm.is_model(plain):
        raise RecipeError(f"timm has no model {backbone!r}; {_near(plain)}")
    try:
        return timm.create_model(backbone, **keys)
    except (RuntimeError, TypeError, AttributeError, AssertionError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RecipeError(f"timm does not make {backbone!r} with {keys}: {reason}") from error


def _near(word: str) -> str:
    import timm

    return suggest(word, get_close_matches(word, timm.list_models(), n=8) or timm.list_models("resnet*"))
