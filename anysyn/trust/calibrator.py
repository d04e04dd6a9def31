"""The calibrator: from evidence to the expected absolute error of each voxel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

FLOOR = 1e-4  # of the expected error; prepared intensities are from 0 to 1
STEPS, ROWS, RATE = 1500, 4096, 3e-3


@dataclass(frozen=True, eq=False)
class Errors:
    """Voxels of one synthesis whose truth is known.

    Args:
        person: Whose they are.
        target: Number of the modality in the recipe.
        evidence: (V, E).
        error: (V,), the absolute error, in prepared intensities.
    """

    person: str
    target: int
    evidence: Tensor
    error: Tensor


class Calibrator(nn.Module):
    """A small perceptron of the evidence and the target that answers the expected absolute error b.

    If errors have a Laplace distribution about 0, its scale is their expected absolute value, and the b of the highest
    likelihood has the least ``|e| / b + log b``.

    Args:
        kinds: Kinds of evidence E.
        targets: Number of modalities.
        width: Of its two hidden layers.

    Example:
        >>> calibrator = Calibrator(kinds=8, targets=4)
        >>> calibrator(torch.rand(5, 8), torch.zeros(5, dtype=torch.long)).shape
        torch.Size([5])
    """

    centre: Tensor
    scale: Tensor

    def __init__(self, *, kinds: int, targets: int, width: int = 32) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(kinds))
        self.register_buffer("scale", torch.ones(kinds))
        self.targets = targets
        self.layers = nn.Sequential(
            nn.Linear(kinds + targets, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 1)
        )

    def forward(self, evidence: Tensor, target: Tensor) -> Tensor:
        """Return the expected absolute error: (V, E) and (V,) to (V,), prepared intensities."""
        seen = (_logarithm(evidence) - self.centre) / self.scale  # (V, E)
        asked = nn.functional.one_hot(target, self.targets).to(seen.dtype)  # (V, T)
        return FLOOR + nn.functional.softplus(self.layers(torch.cat([seen, asked], 1)).squeeze(1) - 3.0)  # (V,)

    def of_map(self, kinds: Tensor, target: int) -> Tensor:
        """Return the expected absolute error of each voxel: (E, X, Y, Z) to (X, Y, Z)."""
        rows = kinds.flatten(1).T  # (X Y Z, E)
        parts = [self(part, torch.full((len(part),), target)) for part in torch.split(rows, 2**18)]
        return torch.cat(parts).reshape(kinds.shape[1:])  # (X, Y, Z)


def fit(errors: Sequence[Errors], *, targets: int, generator: torch.Generator, steps: int = STEPS) -> Calibrator:
    """Fit a calibrator; every synthesis counts the same, however large it is.

    Args:
        errors: Voxels of several syntheses.
        targets: Number of modalities.
        generator: Of the weights and the batches.
        steps: Of Adam, with a cosine schedule.
    """
    kinds = errors[0].evidence.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**31, (1,), generator=generator)))
        calibrator = Calibrator(kinds=kinds, targets=targets)
    rows = _Rows(errors)
    everything = _logarithm(rows.evidence)  # (V, E)
    calibrator.centre, calibrator.scale = everything.mean(0), everything.std(0).clamp(min=1e-3)
    optimizer = torch.optim.Adam(calibrator.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        evidence, target, error = rows.draw(generator)
        expected = calibrator(evidence, target)
        loss = (error / expected + expected.log()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return calibrator.eval().requires_grad_(False)


class _Rows:
    """Voxels of several syntheses, drawn so that each synthesis has the same share of a batch."""

    def __init__(self, errors: Sequence[Errors]) -> None:
        self.evidence = torch.cat([one.evidence for one in errors])  # (V, E)
        self.target = torch.cat([torch.full((len(one.error),), one.target) for one in errors])  # (V,)
        self.error = torch.cat([one.error for one in errors])  # (V,)
        self.lengths = torch.tensor([len(one.error) for one in errors])  # (S,)
        self.starts = self.lengths.cumsum(0) - self.lengths  # (S,)

    def draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return evidence, target and error of about `ROWS` voxels."""
        share = torch.rand(len(self.lengths), max(1, ROWS // len(self.lengths)), generator=generator)  # (S, R)
        within = (share * self.lengths[:, None]).long().minimum(self.lengths[:, None] - 1)
        rows = (self.starts[:, None] + within).flatten()  # (S R,)
        return self.evidence[rows], self.target[rows], self.error[rows]


def _logarithm(evidence: Tensor) -> Tensor:
    """Return the logarithm of what may be small, with its sign: spreads and errors differ by orders of magnitude."""
    return evidence.sign() * (1 + evidence.abs() / 1e-3).log()
