"""Gradients averaged over the processes of a training, in buckets, while the backward pass still computes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import nn

BUCKET = 25 * 2**20  # bytes, as in torch's DistributedDataParallel


class _Bucket:
    """Gradients that travel together; ``missing`` are those that the backward pass has not computed yet."""

    def __init__(self, parameters: Sequence[nn.Parameter]) -> None:
        self.parameters, self.missing = parameters, len(parameters)
        self.flat, self.work = torch.empty(0), cast(Any, None)

    def launch(self) -> None:
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
        self.flat = torch.cat([gradient.flatten() for gradient in gradients])
        self.work = dist.all_reduce(self.flat, async_op=True)

    def land(self, used: Iterable[bool], processes: int) -> None:
        self.work.wait()
        pieces = torch.split(self.flat.div_(processes), [p.numel() for p in self.parameters])
        for parameter, piece, some in zip(self.parameters, pieces, used, strict=True):
            parameter.grad = piece.view(parameter.shape) if some else None
        self.flat, self.work, self.missing = torch.empty(0), None, len(self.parameters)


class GradientAverage:
    """Average the gradients of a step over all processes, bucket by bucket.

    This takes the place of a wrapper round each network, so that several objectives may share parameters and any of
    them may leave some unused. A bucket travels as soon as its gradients are there and those before it have left, so
    that all processes send them in the same order; what a process left unused counts as zero and goes last. Which
    parameters were used the processors tell each other, so that none waits for its device.

    Args:
        learning: The parameters of the step.
        ahead: Whether buckets travel during the backward pass; not where that pass itself talks to other processes.
        bucket: Largest size of a bucket in bytes, unless one parameter is larger.

    Example:
        >>> dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        >>> weight = nn.Parameter(torch.ones(2))
        >>> average = GradientAverage([weight])
        >>> average.begin()
        >>> weight.sum().backward()
        >>> average.end()
        >>> weight.grad.tolist()
        [1.0, 1.0]
        >>> dist.destroy_process_group()
    """

    def __init__(self, learning: Sequence[nn.Parameter], *, ahead: bool = True, bucket: int = BUCKET) -> None:
        self._buckets = [_Bucket(parameters) for parameters in buckets_of(learning, bucket)]
        self._processes, self._next, self._open = dist.get_world_size(), 0, False
        self._host: Any = None if dist.get_backend() == "gloo" else dist.new_group(backend="gloo")  # of all processes
        for each in self._buckets if ahead else ():
            for parameter in each.parameters:
                parameter.requires_grad_(True)  # without it there can be no hook; the steps set it anew
                parameter.register_post_accumulate_grad_hook(  # type: ignore[no-untyped-call]
                    lambda _, own=each: self._there(own)
                )

    def begin(self) -> None:
        """Let buckets travel in the next backward pass."""
        self._open = True

    def end(self) -> None:
        """Send what has not travelled yet, and wait; a parameter that no process used stays without a gradient."""
        self._open = False
        mine = [p.grad is not None for each in self._buckets for p in each.parameters]
        self._send(len(self._buckets))
        anywhere = torch.tensor(mine, dtype=torch.uint8)
        dist.all_reduce(anywhere, op=dist.ReduceOp.MAX, group=self._host)
        used = iter(anywhere.tolist())
        for each in self._buckets:
            each.land([bool(next(used)) for _ in each.parameters], self._processes)
        self._next = 0

    def _there(self, bucket: _Bucket) -> None:
        if self._open:
            bucket.missing -= 1
            self._send(next((i for i, each in enumerate(self._buckets) if each.missing), len(self._buckets)))

    def _send(self, end: int) -> None:
        for each in self._buckets[self._next : end]:
            each.launch()
        self._next = max(self._next, end)


def buckets_of(parameters: Sequence[nn.Parameter], most: int) -> list[list[nn.Parameter]]:
    """Put parameters into buckets of one type, the last parameters first: their gradients are there first.

    Args:
        parameters: In the order of the networks.
        most: Largest size of a bucket in bytes, unless one parameter is larger.

    Example:
        >>> weights = [nn.Parameter(torch.zeros(n)) for n in (1, 2, 3)]
        >>> [[len(weight) for weight in bucket] for bucket in buckets_of(weights, 20)]
        [[3, 2], [1]]
    """
    buckets: list[list[nn.Parameter]] = []
    room, last = 0, None
    for parameter in reversed(parameters):
        size = parameter.numel() * parameter.element_size()
        if size > room or parameter.dtype != last:
            buckets.append([])
            room, last = most, parameter.dtype
        buckets[-1].append(parameter)
        room -= size
    return buckets
