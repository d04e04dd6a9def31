"""Optimisers, and schedules that scale their learning rate as a pure function of the epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import ClassVar

import torch
from torch import nn

from anysyn.bounds import Count, NotNegative, ShareBelowOne, WholeNumber
from anysyn.registry import Given, register


class Optimizer(torch.optim.Optimizer):
    """Any optimiser, in the annotations that a recipe is checked against."""

    kind: ClassVar[str] = "optimizer"


@register("optimizer", "adam")
def adam(
    *,
    parameters: Given[Iterable[nn.Parameter]],
    lr: NotNegative = 1e-4,
    betas: tuple[ShareBelowOne, ShareBelowOne] = (0.9, 0.999),
    weight_decay: NotNegative = 0.0,
) -> torch.optim.Optimizer:
    """Adam; its weight decay is L2 regularisation.

    Args:
        parameters: Parameters that are trained.
        lr: Learning rate.
        betas: Decay of the running mean and of the running square.
        weight_decay: Strength of the L2 term.

    Example:
        >>> adam(parameters=[nn.Parameter(torch.zeros(1))], lr=0.5).defaults["lr"]
        0.5
    """
    parameters = list(parameters)
    return torch.optim.Adam(parameters, lr=lr, betas=betas, weight_decay=weight_decay, fused=_fused(parameters))


@register("optimizer", "adamw")
def adamw(
    *,
    parameters: Given[Iterable[nn.Parameter]],
    lr: NotNegative = 1e-4,
    betas: tuple[ShareBelowOne, ShareBelowOne] = (0.9, 0.999),
    weight_decay: NotNegative = 0.01,
) -> torch.optim.Optimizer:
    """Adam with decoupled weight decay.

    Args:
        parameters: Parameters that are trained.
        lr: Learning rate.
        betas: Decay of the running mean and of the running square.
        weight_decay: Fraction of a weight that a step of learning rate 1 takes away.

    Example:
        >>> adamw(parameters=[nn.Parameter(torch.zeros(1))]).defaults["weight_decay"]
        0.01
    """
    parameters = list(parameters)
    return torch.optim.AdamW(parameters, lr=lr, betas=betas, weight_decay=weight_decay, fused=_fused(parameters))


def _fused(parameters: Sequence[nn.Parameter]) -> bool | None:
    """Return True where the device has one kernel for all parameters; torch's own choice is slower."""
    return True if all(parameter.device.type in ("cpu", "cuda") for parameter in parameters) else None


class Schedule:
    """A factor of the learning rate over the epochs of a stage."""

    kind: ClassVar[str] = "schedule"

    def factor(self, epoch: float, epochs: int) -> float:
        """Return the factor of the learning rate.

        Args:
            epoch: Epochs done, with the fraction of the running one.
            epochs: Epochs of the stage.
        """
        raise NotImplementedError


@register("schedule", "constant")
class Constant(Schedule):
    """Constant learning rate.

    Example:
        >>> Constant().factor(3.5, 10)
        1.0
    """

    def factor(self, epoch: float, epochs: int) -> float:
        """Return 1."""
        return 1.0


@register("schedule", "cosine")
class Cosine(Schedule):
    """Linear warm-up, then half a cosine down.

    Args:
        warmup: Share of the stage that the rise takes, from 0 to below 1.
        floor: Factor at the end.

    Example:
        >>> [round(Cosine(warmup=0.5).factor(epoch, 4), 3) for epoch in (0, 1, 2, 3, 4)]
        [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(self, *, warmup: ShareBelowOne = 0.0, floor: NotNegative = 0.0) -> None:
        if not 0 <= warmup < 1:
            raise ValueError(f"schedule.warmup: {warmup} is not from 0 to below 1 (a share of the stage)")
        self.warmup, self.floor = warmup, floor

    def factor(self, epoch: float, epochs: int) -> float:
        """Return a factor from ``floor`` to 1."""
        done = min(epoch / epochs, 1.0)
        if done < self.warmup:
            return done / self.warmup
        fall = (done - self.warmup) / (1 - self.warmup)
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * fall))


@register("schedule", "linear")
class Linear(Schedule):
    """Constant at first, then linear down to 0 at the end of the stage (PMM-Synth: after 50 of 200 epochs).

    Args:
        after: Epochs before the fall.

    Example:
        >>> [Linear(after=50).factor(epoch, 200) for epoch in (0, 50, 125, 200)]
        [1.0, 1.0, 0.5, 0.0]
    """

    def __init__(self, *, after: NotNegative = 0.0) -> None:
        self.after = after

    def factor(self, epoch: float, epochs: int) -> float:
        """Return a factor from 0 to 1."""
        left = (epochs - epoch) / max(epochs - self.after, 1e-9)
        return max(0.0, min(1.0, left))


@register("schedule", "halve")
class Halve(Schedule):
    """Halving at regular epochs (UniSyn: each 100 of 300; TUMSyn: after 100, then each 50).

    Args:
        every: Epochs between two halvings.
        after: Epochs before the first one; ``every`` by default.

    Example:
        >>> [Halve(every=100).factor(epoch, 300) for epoch in (99, 100, 250)]
        [1.0, 0.5, 0.25]
        >>> [Halve(every=50, after=100).factor(epoch, 300) for epoch in (99, 100, 250)]
        [1.0, 0.5, 0.0625]
    """

    def __init__(self, *, every: Count, after: WholeNumber | None = None) -> None:
        if every < 1 or (after is not None and after < 0):
            raise ValueError(f"schedule: every ({every}) must be at least 1 epoch, and after ({after}) not below 0")
        self.every, self.after = every, every if after is None else after

    def factor(self, epoch: float, epochs: int) -> float:
        """Return a power of one half."""
        return float(0.5 ** max(0, 1 + math.floor((epoch - self.after) / self.every)))
