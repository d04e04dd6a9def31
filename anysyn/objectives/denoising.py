"""Denoising: the step in which a diffusion model learns what noise is in an image."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from anysyn.diffusion import Diffusion
from anysyn.objectives.objective import Objective
from anysyn.objectives.synthesis import known_targets
from anysyn.ops import chosen, pick, spread
from anysyn.registry import register
from anysyn.types import Batch, Query


@register("objective", "denoising")
class Denoising(Objective):
    """Compare the noise that a diffusion model finds in its target with the noise that was put in (DDPM, Eq. 14).

    ``mean((e - e(sqrt(a_t) x + sqrt(1 - a_t) e, t))^2)`` over the targets that have a truth; the same of the image or
    the velocity where the model answers with that. The time is drawn for each sample, all equally likely; in validation
    times are spread evenly over the batch and the noise is the same each time, so that scores can be compared.

    Args:
        model: The diffusion model.

    Example:
        >>> Denoising(model=None).model is None
        True
    """

    def __init__(self, *, model: Diffusion) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch, query: Query) -> dict[str, Tensor]:
        """Return one term, ``denoising``."""
        errors: list[Tensor] = []
        for one in query.one_by_one():
            mask = known_targets(batch, one)  # (B, 1)
            truth = pick(batch.truth, one.targets)  # (B, 1, *S)
            clean = torch.where(spread(mask, truth), 2 * truth - 1, -1)  # (B, 1, *S)
            time, noise = self._drawn(clean)
            timed = replace(one, time=time)
            predicted, _ = self.model.denoise(batch, timed, self.model.noised(clean, noise, time))
            wanted = self.model.regression_target(clean, noise, time)  # (B, 1, *S)
            errors.append(chosen(predicted - wanted, mask).square().flatten(1).mean(1))  # (N,)
        every = torch.cat(errors)  # (N of all targets,)
        return {"denoising": every.mean() if len(every) else predicted.sum() * 0}

    def _drawn(self, clean: Tensor) -> tuple[Tensor, Tensor]:
        """Draw a time, (B,), and noise, (B, 1, *S), for each sample."""
        count, device = len(clean), clean.device
        if self.training:
            return torch.randint(self.model.times, (count,), device=device), torch.randn_like(clean)
        even = ((torch.arange(count, device=device) + 0.5) / count * self.model.times).long()  # (B,)
        fixed = torch.Generator(device).manual_seed(0)
        return even, torch.randn(clean.shape, generator=fixed, device=device)
