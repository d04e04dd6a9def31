"""Backbones of the library timm, by name, for images with two voxel axes.

Importing timm takes seconds, so it is imported when a recipe first needs it.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import torch
from torch import nn

from anysyn.errors import RecipeError
from anysyn.registry import suggest


def classifier(backbone: str, channels: int, outputs: int) -> nn.Module:
    """Build a timm classifier of that name with random weights.

    Raises:
        RecipeError: If timm has no such model.

    Example:
        >>> classifier("test_resnet", 1, 3)(torch.rand(2, 1, 64, 64)).shape
        torch.Size([2, 3])
    """
    model: nn.Module = _timm_model(backbone, in_chans=channels, num_classes=outputs)
    return model


def pyramid(backbone: str, channels: int, *, pretrained: bool) -> tuple[nn.Module, tuple[int, ...], tuple[int, ...]]:
    """Build the feature pyramid of a timm model.

    Args:
        backbone: Name in timm.
        channels: Input channels; pretrained weights of the first layer are adapted to them.
        pretrained: Whether to load the published weights, from the hub or its cache. None are loaded on the meta
            device, where recipes are checked.

    Returns:
        The network, the channels of its levels and their strides, finest first.

    Raises:
        RecipeError: If timm has no such model, no pyramid of it, or no weights for it.

    Example:
        >>> pyramid("test_resnet", 1, pretrained=False)[1:]
        ((32, 32, 48, 192, 96), (2, 4, 8, 16, 32))
    """
    load = pretrained and torch.get_default_device().type != "meta"
    model = _timm_model(backbone, in_chans=channels, features_only=True, pretrained=load)
    model.published = pretrained
    return model, tuple(model.feature_info.channels()), tuple(model.feature_info.reduction())


def _timm_model(backbone: str, **keys: Any) -> Any:
    import timm

    plain = backbone.split(".")[0]
    if not timm.is_model(plain):
        raise RecipeError(f"timm has no model {backbone!r}; {_near(plain)}")
    try:
        return timm.create_model(backbone, **keys)
    except (RuntimeError, ValueError, TypeError, AttributeError, AssertionError, OSError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RecipeError(f"timm does not make {backbone!r} with {keys}: {reason}") from error


def _near(word: str) -> str:
    import timm

    return suggest(word, get_close_matches(word, timm.list_models(), n=8) or timm.list_models("resnet*"))
