"""The numbers of an acquisition as a token: their sum, each times a learned direction."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from anysyn.acquisition import Acquisition
from anysyn.bounds import Count
from anysyn.ops import beside, in_float32
from anysyn.registry import Given, register
from anysyn.types import Batch, Condition, Descriptor, Query


def _linear(low: float, high: float) -> Callable[[float], float]:
    return lambda value: 2 * (value - low) / (high - low) - 1


def _log(low: float, high: float) -> Callable[[float], float]:
    within = _linear(math.log1p(low), math.log1p(high))
    return lambda value: within(math.copysign(math.log1p(abs(value)), value))


# Field of an acquisition -> scaling of its usual range to -1 to 1. Times and doses are scaled by log(1 + value), odd
# about 0, so that a nonsensical negative number does not stop a training.
SCALES: dict[str, Callable[[float], float]] = {
    "repetition_time_ms": _log(5, 12000),
    "echo_time_ms": _log(1, 200),
    "inversion_time_ms": _log(100, 3000),
    "flip_angle_deg": _linear(0, 90),
    "field_strength_t": _linear(0, 3),
    "b_value": _linear(0, 2000),
    "kvp": _linear(80, 140),
    "tube_current_ma": _log(50, 500),
    "exposure_mas": _log(50, 500),
    "dose_mbq": _log(100, 500),
    "uptake_time_min": _linear(0, 90),
    "frame_duration_s": _log(60, 1800),
    "age_years": _linear(0, 100),
}


@register("descriptor", "metadata")
class NumericMetadata(Descriptor):
    """Sum of a learned vector of the modality and, for each number of the acquisition, a learned direction times it.

    An unknown number adds a learned vector of its field instead. Numbers are scaled so that their usual range is -1 to
    1, times and doses by their logarithm (`SCALES`). Unlike a prompt it leaves out sex, vendor, voxel size and the
    words of CT and PET, and it needs no pretraining.

    Args:
        modalities: How many modalities the recipe has.
        width: Token width D.

    Example:
        >>> query = Query(torch.tensor([[0, 1]]), torch.tensor([[2]]))
        >>> batch = Batch.complete(torch.zeros(1, 3, 4, 4))
        >>> [tuple(tokens.shape) for tokens in NumericMetadata(modalities=3, width=8)(batch, query)]
        [(1, 2, 8), (1, 1, 8)]
    """

    reads_acquisitions = True

    def __init__(self, *, modalities: Given[int], width: Count = 64) -> None:
        super().__init__()
        self.width = width
        self.table = nn.Embedding(modalities, width)
        self.directions = nn.Parameter(torch.randn(len(SCALES), width))
        self.missing = nn.Parameter(torch.randn(len(SCALES), width))

    def forward(self, batch: Batch, query: Query) -> Condition:
        """Return (B, J, D) for the sources and (B, K, D) for the targets."""
        sources = self._tokens(query.sources, query.source_acquisitions)
        return Condition(sources, self._tokens(query.targets, query.target_acquisitions))

    def _tokens(self, which: Tensor, records: Sequence[Sequence[Acquisition | None]]) -> Tensor:
        rows = records or ((None,) * which.shape[1],) * len(which)
        weight = self.table.weight
        values = beside(torch.tensor([[scaled(record) for record in row] for row in rows]), weight)  # (B, J, F)
        known = ~values.isnan()
        modality: Tensor = self.table(beside(which, weight))  # (B, J, D)
        with in_float32(weight.device):  # close echo times differ in digits that a lower precision drops
            numbers = torch.where(known, values, 0) @ self.directions + (~known).to(values) @ self.missing  # (B, J, D)
            return modality + numbers


def scaled(record: Acquisition | None) -> list[float]:
    """Scale the numbers of an acquisition to about -1 to 1, in the order of `SCALES`; NaN for an unknown number.

    Args:
        record: The acquisition; None if nothing is known. A number that is not finite counts as unknown.

    Example:
        >>> scaled(Acquisition(echo_time_ms=200.0, kvp=110.0))[1], scaled(Acquisition(kvp=110.0))[6]
        (1.0, 0.0)
    """
    values = ((getattr(record or Acquisition(), name), scale) for name, scale in SCALES.items())
    return [math.nan if value is None or not math.isfinite(value) else scale(value) for value, scale in values]
