"""Networks laid out without memory: names and shapes of weights, but no values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as hooks
from torch.overrides import TorchFunctionMode

from anysyn.errors import RecipeError

MOST_WEIGHTS = 10_000_000_000  # 40 GB in float32, which training with Adam makes 160
MOST_MODULES = 20_000  # of all networks; each takes some kilobytes, even without weights


class Uninitialised(TorchFunctionMode):
    """Skip the initialisation of weights without memory; it would import a compiler, which takes seconds."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", "") == "torch.nn.init":
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))


class RatesOnCpu(TorchFunctionMode):
    """Make rates of dropout on the CPU: networks read these numbers as they are built, which needs their values."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        on_cpu = {"device": "cpu"} if func is torch.linspace else {}
        return func(*args, **{**(kwargs or {}), **on_cpu})


@contextmanager
def without_memory() -> Iterator[None]:
    """Build networks on the meta device, and stop one that is larger than any computer.

    Raises:
        RecipeError: As soon as there are too many weights or modules.

    Example:
        >>> with without_memory():
        ...     nn.Linear(30_000, 30_000).weight.is_meta
        True
        >>> with without_memory():
        ...     nn.Linear(1_000_000, 1_000_000)
        Traceback (most recent call last):
        anysyn.errors.RecipeError: has more than 10,000,000,000 weights; make it narrower or shallower
    """
    counts = {"weights": 0, "modules": 0, "layers": 0}

    def count(kind: str, more: int, most: int) -> None:
        counts[kind] += more
        if counts[kind] > most:
            raise RecipeError(f"has more than {most:,} {kind}; make it narrower or shallower")

    def weight(module: nn.Module, name: str, parameter: Any) -> None:
        size = 0 if parameter is None else parameter.numel()
        count("layers", 1, MOST_MODULES)  # those of a list are no modules of it before the list is whole
        count("weights", size, MOST_WEIGHTS)

    def part(module: nn.Module, name: str, inner: Any) -> None:
        count("modules", 1, MOST_MODULES)

    handles = [
        hooks.register_module_parameter_registration_hook(weight),
        hooks.register_module_module_registration_hook(part),
    ]
    try:
        with torch.device("meta"), Uninitialised():
            yield
    finally:
        for handle in handles:
            handle.remove()


def without_values(network: nn.Module) -> str | None:
    """Return the first weight that has no values at all, with its shape; None if every weight has some.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     without_values(nn.Sequential(nn.Linear(3, 0)))
        '0.weight (0 x 3)'
    """
    empty = ((name, weight) for name, weight in network.named_parameters() if weight.numel() == 0)
    return next((f"{name} ({' x '.join(map(str, weight.shape))})" for name, weight in empty), None)
