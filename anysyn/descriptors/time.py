"""The diffusion time as a token."""

from __future__ import annotations

import torch
from torch import nn

from anysyn.bounds import Count
from anysyn.descriptors.dataset import sinusoidal_code
from anysyn.registry import register
from anysyn.types import Batch, Condition, Descriptor, Query


@register("descriptor", "time")
class TimeCode(Descriptor):
    """Embedding of the diffusion time of the query: ``SiLU(W sin(t))`` (Ho et al., DDPM, NeurIPS 2020).

    A query without a time is about clean images: time 0.

    Args:
        width: Token width D; four times the channels of the finest level in the diffusion U-Net.
        code: Numbers of the sinusoidal code, even; the channels of the finest level in the diffusion U-Net.

    Example:
        >>> batch = Batch.complete(torch.zeros(2, 3, 4))
        >>> query = Query(torch.zeros(2, 1).long(), torch.ones(2, 1).long(), time=torch.tensor([0, 999]))
        >>> TimeCode(width=8, code=4)(batch, query).target.shape
        torch.Size([2, 1, 8])
    """

    reads_time, reads_query = True, False

    def __init__(self, *, width: Count = 256, code: Count = 64) -> None:
        super().__init__()
        if code < 2 or code % 2:
            raise ValueError(f"code: {code} is not an even number from 2 up")
        self.width, self.code = width, code
        self.layer = nn.Sequential(nn.Linear(code, width), nn.SiLU())

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return (B, 1, D), the same for the sources and for the targets."""
        clean = torch.zeros(len(batch.images), device=batch.images.device)  # (B,)
        time = clean if query.time is None else query.time
        token = self.layer(sinusoidal_code(time, self.code)).unsqueeze(1)  # (B, 1, D)
        return Condition(token, token)
