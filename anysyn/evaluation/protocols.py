"""Evaluation protocols: everything that a metric's value depends on besides the images, under one name and one hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from torch import Tensor

from anysyn.evaluation.metrics import Metric, metric
from anysyn.registry import RecipeError, build, register, suggest

Unit = Literal["volume", "slice"]
Mask = Literal["foreground", "whole"]

ALL_METRICS = ("psnr", "ssim", "mse", "mae", "nmse", "psnr_whole")


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """State how images are compared; two results may stand in one table only if these agree.

    Args:
        name: What tables call it.
        unit: ``"volume"``: one value for each volume. ``"slice"``: one for each slice, averaged over the slices of the
            case that hold foreground and whose target is not constant.
        dimensions: Axes that SSIM's window extends along, 2 or 3.
        axis: Axis across the slices; 2 is inferior-superior, so that the slices are axial.
        mask: Where errors are averaged: the foreground of the subject, or the whole image.
        percentiles: Of the target inside the mask; prediction and target are clipped to these two values and scaled
            from them to [0, 1]. None leaves the intensities as they were prepared.
        clip: Range that prepared intensities are clipped to where there are no percentiles. None clips nothing.
        data_range: L of PSNR and SSIM; ``"max"`` is the largest value of the target in the unit.
        sigma: Standard deviation of SSIM's Gaussian window in voxels.
        window: Length of SSIM's window in voxels, odd.
        metrics: Names of registered metrics, in the order of the columns.

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
    window: int = 11
    metrics: tuple[str, ...] = ALL_METRICS

    def __post_init__(self) -> None:
        """Check the fields, all mistakes together."""
        mistakes = list(self._mistakes())
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
        }
        return [mistake for mistake, holds in rules.items() if not holds]

    @property
    def digest(self) -> str:
        """Return eight hexadecimal digits that change with any field."""
        return hashlib.sha256(json.dumps(_as_floats(self.fields()), sort_keys=True).encode()).hexdigest()[:8]

    @property
    def objects(self) -> tuple[Metric, ...]:
        """Return the metrics, built."""
        return tuple(metric(name) for name in self.metrics)

    def fields(self) -> dict[str, Any]:
        """Return the fields as they are written to JSON."""
        return asdict(self)

    def normalise(self, prediction: Tensor, truth: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Clip and scale prediction and truth as the protocol says, both with the target's limits.

        Args:
            prediction: (X, Y, Z).
            truth: (X, Y, Z).
            mask: (X, Y, Z) bool, true somewhere.

        Raises:
            ValueError: If the target is constant between the percentiles.

        Example:
            >>> truth = Tensor([0.0, 1.0, 2.0])
            >>> protocol = Protocol(name="half", percentiles=(0, 50))
            >>> [x.tolist() for x in protocol.normalise(truth / 2, truth, truth > -1)]
            [[0.0, 0.5, 1.0], [0.0, 1.0, 1.0]]
        """
        if self.percentiles is not None:
            low, high = np.percentile(truth[mask].double().cpu().numpy(), self.percentiles)
            if not low < high:
                raise ValueError(f"the target is constant ({low:g}) in its {self.mask}, so nothing can be compared")
            return _scale(prediction, low, high), _scale(truth, low, high)
        if self.clip is not None:
            return prediction.clamp(*self.clip), truth.clamp(*self.clip)
        return prediction, truth

    def describe(self) -> str:
        """Return one line for the foot of a table.

        Example:
            >>> protocol("tumsyn").describe().split("; ")[1]
            "intensities clipped to the target's percentiles 0.5 and 99.5 and scaled to [0, 1]"
        """
        slices = f"slices along axis {self.axis}, averaged for each case"
        unit = "volumes" if self.unit == "volume" else slices
        if self.percentiles is not None:
            limits = "{:g} and {:g}".format(*self.percentiles)
            intensity = f"clipped to the target's percentiles {limits} and scaled to [0, 1]"
        else:
            intensity = "as prepared" if self.clip is None else "clipped to [{:g}, {:g}]".format(*self.clip)
        span = "the target's maximum" if self.data_range == "max" else f"{self.data_range:g}"
        where = "foreground" if self.mask == "foreground" else "whole image"
        window = f"{self.dimensions}-D Gaussian, sigma {self.sigma:g}, {self.window} voxels"
        return (
            f"Protocol {self.name} ({self.digest}): {unit}, {where}; intensities {intensity}; "
            f"data range {span}; SSIM {window}."
        )


def _as_floats(value: Any) -> Any:
    # Fields that compare equal, as 0 and 0.0 do, must give the same digest.
    if isinstance(value, dict):
        return {name: _as_floats(held) for name, held in value.items()}
    if isinstance(value, tuple):
        return [_as_floats(held) for held in value]
    return float(value) if isinstance(value, int) else value


def _rises(pair: tuple[float, float] | None, lowest: float = -np.inf, highest: float = np.inf) -> bool:
    return pair is None or lowest <= pair[0] < pair[1] <= highest


def _is_range(data_range: object) -> bool:
    return data_range == "max" or (isinstance(data_range, int | float) and data_range > 0)


def _scale(image: Tensor, low: float, high: float) -> Tensor:
    return (image.double().clamp(low, high) - low) / (high - low)


@register("protocol", "anysyn")
def anysyn() -> Protocol:
    """Compare whole volumes in the foreground, scaled to the target's percentiles 0 to 99.5 (our default).

    Example:
        >>> anysyn().dimensions
        3
    """
    return Protocol(name="anysyn", percentiles=(0.0, 99.5))


@register("protocol", "slices")
def slices() -> Protocol:
    """Compare axial slices in the foreground, scaled as in our default; for thick slices and 2-D models.

    Example:
        >>> slices().unit
        'slice'
    """
    return Protocol(name="slices", unit="slice", dimensions=2, percentiles=(0.0, 99.5))


@register("protocol", "omnisyn")
def omnisyn() -> Protocol:
    """Compare whole axial slices clipped to [0, 1] (OmniSyn; its window, and slice or case averaging, are not stated).

    The paper's 224 x 224 slices are a matter of preparation: the images are compared on the grid of the recipe.

    Example:
        >>> omnisyn().mask
        'whole'
    """
    metrics = ("psnr", "ssim", "mse", "mae")
    return Protocol(name="omnisyn", unit="slice", dimensions=2, mask="whole", clip=(0.0, 1.0), metrics=metrics)


@register("protocol", "tumsyn")
def tumsyn() -> Protocol:
    """Compare whole volumes scaled to the target's percentiles 0.5 to 99.5 (TUMSyn; its SSIM window is not stated).

    Example:
        >>> tumsyn().metrics
        ('psnr', 'ssim')
    """
    return Protocol(name="tumsyn", mask="whole", percentiles=(0.5, 99.5), metrics=("psnr", "ssim"))


@register("protocol", "pmm")
def pmm() -> Protocol:
    """Compare whole axial slices as prepared, with the target's maximum as peak (PMM-Synth; its window is not stated).

    Example:
        >>> pmm().data_range
        'max'
    """
    return Protocol(name="pmm", unit="slice", dimensions=2, mask="whole", data_range="max", metrics=("psnr", "ssim"))


def protocol(name: str | Protocol) -> Protocol:
    """Return a protocol by its registered name; a protocol is handed back as it is.

    Raises:
        RecipeError: If there is none of that name; the message gives the nearest match.

    Example:
        >>> protocol("slices").unit
        'slice'
    """
    found: Protocol = name if isinstance(name, Protocol) else build("protocol", {"name": name})
    return found
