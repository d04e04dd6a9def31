"""What has to be computed in float32, whatever the precision around it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def in_float32(device: torch.device) -> AbstractContextManager[object]:
    """Return a context without automatic casting to a lower precision on a device.

    Example:
        >>> with torch.autocast("cpu", torch.bfloat16), in_float32(torch.device("cpu")):
        ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
        torch.float32
    """
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)


def at_least_float32(tensor: Tensor) -> Tensor:
    """Return a tensor of half precision as float32, and every other as it is.

    Example:
        >>> [at_least_float32(torch.ones(1, dtype=kind)).dtype for kind in (torch.bfloat16, torch.float64)]
        [torch.float32, torch.float64]
    """
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def apply_in_float32(layer: Callable[[Tensor], Tensor], features: Tensor) -> Tensor:
    """Apply a network's last layer in float32, so that an image is not rounded to the 8 bits of a bfloat16.

    In a CT window of 4096 HU these are steps of 8 HU and more.

    Args:
        layer: The last layer, or all that follow the last wide one; its weights are float32.
        features: (..., C, *S) or (..., C), of any floating type.

    Returns:
        What the layer answers, in float32 or better.

    Example:
        >>> layer = torch.nn.Linear(1, 1)
        >>> with torch.autocast("cpu", torch.bfloat16):
        ...     layer(torch.ones(1)).dtype, apply_in_float32(layer, torch.ones(1)).dtype
        (torch.bfloat16, torch.float32)
    """
    with in_float32(features.device):
        return layer(at_least_float32(features))
