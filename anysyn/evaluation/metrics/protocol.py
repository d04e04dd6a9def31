"""Evaluation protocols: all that a metric depends on besides the images, with a name and a hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from anysyn.data.modalities import modality
from anysyn.errors import RecipeError
from anysyn.evaluation.metrics.bone import BoneMetric
from anysyn.evaluation.metrics.columns import DEFAULT_COLUMNS
from anysyn.evaluation.metrics.lesion import LesionMetric
from anysyn.evaluation.metrics.metrics import Metric, Seconds, metric
from anysyn.evaluation.metrics.ssim import WINDOW, Weights
from anysyn.registry import build, suggest

Unit = Literal["volume", "slice"]
Mask = Literal["foreground", "whole"]
Limits = Literal["target", "own"]

LATER = {"later": True}  # counts in the digest only if it is set, so that published digests stay the same


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How images are compared; results can be in the same table only if their protocols agree.

    Args:
        name: Its name in tables.
        unit: ``"volume"``: a value for each volume. ``"slice"``: a value for each slice, averaged over the slices of
            the case that contain foreground and whose target is not constant.
        dimensions: Axes that SSIM's window extends along, 2 or 3.
        axis: Axis perpendicular to the slices; 2 is inferior-superior, so that the slices are axial.
        mask: Region in which errors are averaged: the foreground of the subject, or the whole image.
        percentiles: Percentiles of the target inside the mask; prediction and target are clipped to them and scaled
            from them to [0, 1]. None leaves the intensities as they were prepared.
        clip: Range that intensities are clipped to if there are no percentiles; its lower end becomes 0. None clips
            nothing.
        data_range: L of PSNR and SSIM; ``"max"`` is the largest value of the target in the unit.
        sigma: Standard deviation of SSIM's Gaussian window in voxels.
        window: Length of SSIM's window in voxels, odd.
        metrics: Names of registered metrics, in the order of the columns.
        limits: ``"target"``: the percentiles of the target scale both images. ``"own"``: each is scaled by its own.
        restored_to: Unit, for example ``"HU"``, that prepared intensities are converted back to first; only targets
            in that unit can be compared. None leaves them as they were prepared.
        outside: Value of both images outside the mask. None leaves them as they are.
        weights: Weights of SSIM's window: ``"gaussian"`` (Wang et al.), or ``"uniform"`` with the sample covariance,
            which is scikit-image's default and ignores ``sigma``.
        borders: Whether SSIM of the whole image counts windows that reach beyond its edge, as torchmetrics 1.9 does.

    Raises:
        ValueError: If the fields do not fit together or a metric is unknown.

    Example:
        >>> Protocol(name="ours", unit="slice", dimensions=2, clip=(0.0, 1.0), metrics=("psnr", "ssim")).data_range
        1.0
    """

    kind: ClassVar[str] = "protocol"

    name: str
    unit: Unit = "volume"
    dimensions: Literal[2, 3] = 3
    axis: int = 2
    mask: Mask = "foreground"
    percentiles: tuple[float, float] | None = None
    clip: tuple[float, float] | None = None
    data_range: float | Literal["max"] = 1.0
    sigma: float = 1.5
    window: int = WINDOW
    metrics: tuple[str, ...] = DEFAULT_COLUMNS
    limits: Limits = field(default="target", metadata=LATER)
    restored_to: str | None = field(default=None, metadata=LATER)
    outside: float | None = field(default=None, metadata=LATER)
    weights: Weights = field(default="gaussian", metadata=LATER)
    borders: bool = field(default=False, metadata=LATER)

    def __post_init__(self) -> None:
        """Check the fields, all mistakes together."""
        mistakes = self._mistakes()
        if mistakes:
            raise RecipeError("\n".join(f"protocol {self.name!r}: {mistake}" for mistake in mistakes))
        for name in self.metrics:
            metric(name)

    def _mistakes(self) -> list[str]:
        rules = {
            f"unit {self.unit!r} is unknown; {suggest(self.unit, get_args(Unit))}": self.unit in get_args(Unit),
            f"mask {self.mask!r} is unknown; {suggest(self.mask, get_args(Mask))}": self.mask in get_args(Mask),
            f"dimensions {self.dimensions} is neither 2 nor 3": self.dimensions in (2, 3),
            "a slice has 2 dimensions, not 3": self.unit != "slice" or self.dimensions == 2,
            f"axis {self.axis} is not 0, 1 or 2": self.axis in (0, 1, 2),
            f"window {self.window} is not odd and positive": self.window % 2 == 1 and self.window > 0,
            f"sigma {self.sigma} is not positive": self.sigma > 0,
            "give percentiles or clip, not both": self.percentiles is None or self.clip is None,
            f"percentiles {self.percentiles} do not rise from 0 to 100": _rises(self.percentiles, 0, 100),
            f"clip {self.clip} does not rise": _rises(self.clip),
            f"data_range {self.data_range!r} is neither positive nor 'max'": _is_range(self.data_range),
            "it has no metrics": len(self.metrics) > 0,
            f"limits {self.limits!r} are unknown; {suggest(self.limits, get_args(Limits))}": self.limits
            in get_args(Limits),
            "limits are of percentiles; give some": self.limits == "target" or self.percentiles is not None,
            f"weights {self.weights!r} are unknown; {suggest(self.weights, get_args(Weights))}": self.weights
            in get_args(Weights),
            "borders are those of the whole image; take mask 'whole'": not self.borders or self.mask == "whole",
            "a value outside of a mask needs mask 'foreground'": self.outside is None or self.mask == "foreground",
        }
        return [mistake for mistake, holds in rules.items() if not holds]

    @property
    def digest(self) -> str:
        """Return a hash of all fields: eight hexadecimal digits."""
        counted = {
            entry.name: getattr(self, entry.name)
            for entry in fields(self)
            if not entry.metadata.get("later") or getattr(self, entry.name) != entry.default
        }
        return hashlib.sha256(json.dumps(_as_floats(counted), sort_keys=True).encode()).hexdigest()[:8]

    @property
    def objects(self) -> tuple[Metric, ...]:
        """Return the metrics, built."""
        return tuple(metric(name) for name in self.metrics)

    @property
    def reads_lesion(self) -> bool:
        """Return whether a metric needs a lesion mask."""
        return any(isinstance(metric, LesionMetric) for metric in self.objects)

    @property
    def reads_bone(self) -> bool:
        """Return whether a metric needs a mask of bone."""
        return any(isinstance(metric, BoneMetric) for metric in self.objects)

    @property
    def reads_clock(self) -> bool:
        """Return whether a metric is the time that a synthesis takes."""
        return Seconds.name in self.metrics

    def check(self) -> None:
        """Raise an `EvaluationError` if a metric needs something that is not installed."""
        for one in self.objects:
            one.check()

    def fields(self) -> dict[str, Any]:
        """Return the fields, for JSON."""
        return asdict(self)

    def suits(self, target: str) -> bool:
        """Return whether a modality is in the unit of the protocol.

        Example:
            >>> protocol("synthrad").suits("CT"), protocol("synthrad").suits("T2w"), protocol("anysyn").suits("T2w")
            (True, False, True)
        """
        return self.restored_to is None or modality(target).unit == self.restored_to

    def normalise(self, prediction: Tensor, truth: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Clip and scale prediction and truth as the protocol says.

        Args:
            prediction: (X, Y, Z).
            truth: (X, Y, Z).
            mask: (X, Y, Z) bool, true somewhere.

        Raises:
            ValueError: If an image is constant between its percentiles.

        Example:
            >>> truth = Tensor([0.0, 1.0, 2.0])
            >>> protocol = Protocol(name="half", percentiles=(0, 50))
            >>> [x.tolist() for x in protocol.normalise(truth / 2, truth, truth > -1)]
            [[0.0, 0.5, 1.0], [0.0, 1.0, 1.0]]
        """
        if self.outside is not None:
            prediction, truth = (torch.where(mask, image.double(), self.outside) for image in (prediction, truth))
        if self.percentiles is not None:
            span = self._limits(truth[mask], "target")
            own = span if self.limits == "target" else self._limits(prediction[mask], "prediction")
            return _scale(prediction, *own), _scale(truth, *span)
        if self.clip is not None:
            low, high = self.clip
            return prediction.double().clamp(low, high) - low, truth.double().clamp(low, high) - low
        return prediction, truth

    def _limits(self, voxels: Tensor, which: str) -> tuple[float, float]:
        low, high = np.percentile(voxels.double().cpu().numpy(), self.percentiles)  # type: ignore[arg-type]
        if not low < high:
            raise ValueError(f"the {which} is constant ({low:g}) in its {self.mask}, so nothing can be compared")
        return float(low), float(high)

    def describe(self) -> str:
        """Return one line for the foot of a table.

        Example:
            >>> protocol("tumsyn").describe().split("; ")[1]
            "intensities clipped to the target's percentiles 0.5 and 99.5 and scaled to [0, 1]"
        """
        slices = f"slices along axis {self.axis}, averaged for each case"
        unit = "volumes" if self.unit == "volume" else slices
        span = "the target's maximum" if self.data_range == "max" else f"{self.data_range:g}"
        where = "foreground" if self.mask == "foreground" else "whole image"
        beyond = "" if self.outside is None else f", {self.outside:g} outside of it"
        shape = "uniform" if self.weights == "uniform" else f"Gaussian, sigma {self.sigma:g}"
        size = f"{self.window} voxels" + ", borders too" * self.borders
        return (
            f"Protocol {self.name} ({self.digest}): {unit}, {where}{beyond}; intensities {self._intensities()}; "
            f"data range {span}; SSIM {self.dimensions}-D {shape}, {size}."
        )

    def _intensities(self) -> str:
        if self.percentiles is not None:
            limits, whose = "{:g} and {:g}".format(*self.percentiles), _WHOSE[self.limits]
            return f"clipped to {whose} percentiles {limits} and scaled to [0, 1]"
        unit = "as prepared" if self.restored_to is None else f"in {self.restored_to}"
        if self.clip is None:
            return unit
        limits = "clipped to [{:g}, {:g}]".format(*self.clip)
        return limits if self.restored_to is None else f"{unit}, {limits}"


_WHOSE = {"target": "the target's", "own": "each image's own"}


def _as_floats(value: Any) -> Any:
    # Fields that compare equal, as 0 and 0.0 do, must give the same digest.
    if isinstance(value, dict):
        return {name: _as_floats(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_as_floats(item) for item in value]
    return float(value) if isinstance(value, int) else value


def _rises(pair: tuple[float, float] | None, lowest: float = -np.inf, highest: float = np.inf) -> bool:
    return pair is None or lowest <= pair[0] < pair[1] <= highest


def _is_range(data_range: object) -> bool:
    return data_range == "max" or (isinstance(data_range, int | float) and data_range > 0)


def _scale(image: Tensor, low: float, high: float) -> Tensor:
    return (image.double().clamp(low, high) - low) / (high - low)


def protocol(name: str | Protocol) -> Protocol:
    """Return a protocol by its registered name; a protocol is returned as it is.

    Raises:
        RecipeError: If there is none of that name; the message gives the nearest match.

    Example:
        >>> protocol("slices").unit
        'slice'
    """
    registered: Protocol = name if isinstance(name, Protocol) else build("protocol", {"name": name})
    return registered
