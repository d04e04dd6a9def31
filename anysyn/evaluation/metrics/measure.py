"""Measurement of a synthesized image: the metrics of a protocol."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from anysyn.data.modalities import modality
from anysyn.data.volumes.intensity_window import Window, restore
from anysyn.evaluation.metrics.metrics import Comparison, mae
from anysyn.evaluation.metrics.protocol import Protocol


def measure(
    prediction: Tensor,
    truth: Tensor,
    mask: Tensor,
    protocol: Protocol,
    *,
    lesion: Tensor | None = None,
    bone: Tensor | None = None,
    window: Window | None = None,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
    seconds: float = math.nan,
) -> dict[str, float]:
    """Return the metrics of a synthesized volume.

    Args:
        prediction: (X, Y, Z), prepared intensities.
        truth: (X, Y, Z), prepared intensities.
        mask: (X, Y, Z) bool, the foreground of the subject.
        protocol: How images are compared.
        lesion: (X, Y, Z) bool, for a protocol with lesion metrics.
        bone: (X, Y, Z) bool, for a protocol with metrics of bone; without it these are NaN.
        window: Intensities of 0 and 1, for a protocol that compares in a unit; None if the images are in the unit.
        spacing: Voxel size in mm.
        seconds: How long the synthesis took, for a protocol with that metric.

    Returns:
        The value of each metric; the PSNR of identical images is infinite.

    Raises:
        ValueError: If the shapes differ, the prediction is not finite, the mask is empty or the target is constant.

    Example:
        >>> from anysyn.evaluation.metrics.protocol import Protocol
        >>> truth = torch.arange(8.0).reshape(2, 2, 2)
        >>> plain = Protocol(name="plain", data_range=10.0, metrics=("mae", "psnr"))
        >>> measure(truth + 1, truth, truth >= 0, plain)
        {'mae': 1.0, 'psnr': 20.0}
    """
    _check(prediction, truth, mask)
    if protocol.restored_to is not None and window is not None:
        prediction, truth = restore(prediction.double(), window), restore(truth.double(), window)
    compared = comparisons(prediction, truth, mask, protocol, lesion, bone, spacing)
    units = [replace(unit, seconds=seconds) for unit in compared]
    return {metric.name: _mean([float(metric.value(unit)) for unit in units]) for metric in protocol.objects}


def _check(prediction: Tensor, truth: Tensor, mask: Tensor) -> None:
    if not prediction.shape == truth.shape == mask.shape:
        shapes = ", ".join(str(tuple(x.shape)) for x in (prediction, truth, mask))
        raise ValueError(f"prediction, truth and mask have different shapes: {shapes}")
    if not mask.any():
        raise ValueError("the foreground is empty, so there is nothing to compare")
    if not prediction.isfinite().all():
        raise ValueError("the prediction holds voxels that are not finite")


def comparisons(
    prediction: Tensor,
    truth: Tensor,
    mask: Tensor,
    protocol: Protocol,
    lesion: Tensor | None = None,
    bone: Tensor | None = None,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Iterator[Comparison]:
    """Normalise a volume and cut it into the units of a protocol.

    Arguments are those of `measure`.

    Returns:
        One comparison for the volume, or one for each slice that holds foreground and whose target is not constant.

    Raises:
        ValueError: If the target is constant.

    Example:
        >>> from anysyn.evaluation.metrics.protocol import protocol
        >>> truth = torch.rand(12, 12, 5)
        >>> len(list(comparisons(truth, truth, truth > 0, protocol("slices"))))
        5
    """
    where = mask if protocol.mask == "foreground" else torch.ones_like(mask)
    prediction, truth = protocol.normalise(prediction, truth, where)
    if protocol.unit == "volume":
        if not truth[where].amin() < truth[where].amax():
            raise ValueError(f"the target is constant in its {protocol.mask}, so nothing can be compared")
        axes = tuple(axis for axis in range(3) if protocol.dimensions == 3 or axis != protocol.axis)
        yield _comparison(prediction, truth, where, protocol, axes, lesion, bone, spacing)
        return
    cut = [x.unbind(protocol.axis) for x in (prediction, truth, where, mask)]
    masks = [[None] * len(cut[0]) if x is None else x.unbind(protocol.axis) for x in (lesion, bone)]
    units = zip(*cut, *masks, strict=True)
    usable = [(p, t, w, part, own) for p, t, w, m, part, own in units if m.any() and t[w].amin() < t[w].amax()]
    plane = tuple(edge for axis, edge in enumerate(spacing) if axis != protocol.axis)
    if not usable:
        raise ValueError("the target is constant in every slice, so nothing can be compared")
    for p, t, w, part, own in usable:
        yield _comparison(p, t, w, protocol, (0, 1), part, own, plane)


def _comparison(
    prediction: Tensor,
    truth: Tensor,
    where: Tensor,
    protocol: Protocol,
    axes: tuple[int, ...],
    lesion: Tensor | None,
    bone: Tensor | None,
    spacing: tuple[float, ...],
) -> Comparison:
    data_range = float(truth.max()) if protocol.data_range == "max" else protocol.data_range
    if not data_range > 0:
        raise ValueError(f"the target's maximum is {data_range:g}; protocol {protocol.name!r} needs a positive one")
    return Comparison(
        prediction=prediction,
        truth=truth,
        mask=where if protocol.mask == "foreground" else None,
        data_range=data_range,
        axes=axes,
        sigma=protocol.sigma,
        window=protocol.window,
        weights=protocol.weights,
        borders=protocol.borders,
        lesion=lesion,
        bone=bone,
        spacing=spacing,
        zero=0.0 if protocol.clip is None else protocol.clip[0],
    )


def _mean(values: Sequence[float]) -> float:
    # A slice without any error has an infinite PSNR; the mean is over the others, and infinite only if all are.
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else values[0]


IN_UNIT = {"HU": "mae_hu", "SUV": "mae_suv", "SUVR": "mae_suvr"}  # units that files are always in


def error_in_unit(
    prediction: Tensor, truth: Tensor, mask: Tensor, target: str, window: Window | None
) -> dict[str, float]:
    """Return the mean absolute error in HU, SUV or SUVR, by the name of its metric; empty for other units.

    ``target`` is the modality of the images; the other arguments are those of `measure`.

    Example:
        >>> import torch
        >>> truth = torch.tensor([0.0, 1.0])
        >>> error_in_unit(truth + 0.01, truth, truth >= 0, "CT", (-1000.0, 1000.0))["mae_hu"].__round__(3)
        20.0
        >>> error_in_unit(truth, truth, truth >= 0, "T1w", (0.0, 900.0))
        {}
    """
    name = IN_UNIT.get(modality(target).unit)
    if name is None:
        return {}
    if window is not None:
        prediction, truth = restore(prediction, window), restore(truth, window)
    return {name: float(mae(prediction, truth, mask))}
