"""Metrics of a synthesized image and the real one: pure functions, and their registered classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from anysyn.evaluation.metrics.ssim import WINDOW, Weights, ssim
from anysyn.registry import build, register


def mse(prediction: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean squared error, inside the mask if there is one.

    Args:
        prediction: Image of any shape.
        truth: Image of the same shape.
        mask: Bool, of the same shape.

    Returns:
        A scalar in float64.

    Example:
        >>> mse(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0])).item()
        2.0
    """
    p, t = _inside(prediction, truth, mask)
    return (p - t).square().mean()


def mae(prediction: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the mean absolute error, inside the mask if there is one; arguments and result are those of `mse`.

    Example:
        >>> mae(torch.tensor([1.0, 3.0]), torch.tensor([1.0, 1.0])).item()
        1.0
    """
    p, t = _inside(prediction, truth, mask)
    return (p - t).abs().mean()


def nmse(prediction: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the energy of the error over that of the truth: ``|p - t|^2 / |t|^2`` over the mask.

    Arguments are those of `mse`; the result is NaN if truth and prediction are zero everywhere.

    Example:
        >>> nmse(torch.tensor([1.0, 4.0]), torch.tensor([1.0, 2.0])).item()
        0.8
    """
    p, t = _inside(prediction, truth, mask)
    return (p - t).square().sum() / t.square().sum()


def psnr(prediction: Tensor, truth: Tensor, *, data_range: float, mask: Tensor | None = None) -> Tensor:
    """Return the peak signal-to-noise ratio ``10 log10(L^2 / MSE)`` in dB.

    ``data_range`` is L, the span of the intensities; the other arguments are those of `mse`. The result is infinite
    for identical images.

    Example:
        >>> psnr(torch.tensor([25.5, 0.0]), torch.zeros(2), data_range=255.0, mask=torch.tensor([True, False])).item()
        20.0
    """
    return 10 * torch.log10(data_range**2 / mse(prediction, truth, mask))


def best_factor(prediction: Tensor, truth: Tensor, mask: Tensor | None = None) -> Tensor:
    """Return the factor of the prediction that is nearest to the truth in the mean square: ``<p, t> / <p, p>``.

    Arguments are those of `mse`; the factor of a prediction that is 0 everywhere is 1.

    Example:
        >>> best_factor(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 4.0])).item()
        2.0
    """
    p, t = _inside(prediction, truth, mask)
    energy = p.square().sum()
    return (p * t).sum() / energy if energy > 0 else torch.ones_like(energy)


def _inside(prediction: Tensor, truth: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor]:
    if mask is None:
        return prediction.double(), truth.double()
    return prediction[mask].double(), truth[mask].double()  # (N,)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The input of a metric: a prediction and its truth, normalised.

    Args:
        prediction: (X, Y, Z), or (X, Y) for a slice.
        truth: Of the same shape.
        mask: Bool, of the same shape, or None for the whole image.
        data_range: Span of the intensities.
        axes: Axes that SSIM's window extends along.
        sigma: Standard deviation of SSIM's window in voxels.
        window: Length of SSIM's window in voxels.
        weights: Weights of SSIM's window.
        borders: Whether SSIM counts windows that reach beyond the edge.
        lesion: Bool, of the same shape; None if it is unknown.
        bone: Bool, of the same shape; None if it is unknown.
        spacing: Voxel size in mm along each axis.
        seconds: How long the synthesis of the volume took; NaN if nobody looked at the clock.
        zero: What 0 stands for in the unit of the images, for example -1024 HU.
    """

    prediction: Tensor
    truth: Tensor
    mask: Tensor | None
    data_range: float
    axes: tuple[int, ...]
    sigma: float = 1.5
    window: int = WINDOW
    weights: Weights = "gaussian"
    borders: bool = False
    lesion: Tensor | None = None
    bone: Tensor | None = None
    spacing: tuple[float, ...] = (1.0, 1.0, 1.0)
    zero: float = 0.0
    seconds: float = float("nan")


class Metric:
    """A number for a comparison, with its label, its digits and its better direction."""

    kind: ClassVar[str] = "metric"
    name: ClassVar[str]
    label: ClassVar[str]
    higher_is_better: ClassVar[bool] = False
    digits: ClassVar[int] = 4

    def check(self) -> None:
        """Raise an error if something that the metric needs is not installed; by default nothing is lacking."""

    def value(self, comparison: Comparison) -> Tensor:
        """Return the metric, a scalar."""
        raise NotImplementedError


@register("metric", "psnr")
class PSNR(Metric):
    """Peak signal-to-noise ratio inside the mask, in dB; higher is better."""

    name, label, higher_is_better, digits = "psnr", "PSNR (dB)", True, 2

    def value(self, comparison: Comparison) -> Tensor:
        """Return the PSNR in dB."""
        c = comparison
        return psnr(c.prediction, c.truth, data_range=c.data_range, mask=c.mask)


@register("metric", "psnr_scaled")
class ScaledPSNR(Metric):
    """Peak signal-to-noise ratio up to one factor a volume, inside the mask, in dB; higher is better.

    The scale of MRI has no unit, and a reader sets the window himself. The prediction, clipped as the protocol says, is
    multiplied by the factor that suits the truth best; in a protocol of slices, each slice by its own.
    """

    name, label, higher_is_better, digits = "psnr_scaled", "PSNR up to a factor (dB)", True, 2

    def value(self, comparison: Comparison) -> Tensor:
        """Return the PSNR in dB."""
        c = comparison
        factor = best_factor(c.prediction, c.truth, c.mask)
        return psnr(factor * c.prediction, c.truth, data_range=c.data_range, mask=c.mask)


@register("metric", "psnr_whole")
class WholePSNR(Metric):
    """Peak signal-to-noise ratio over the whole image, background included, in dB; higher is better."""

    name, label, higher_is_better, digits = "psnr_whole", "PSNR whole (dB)", True, 2

    def value(self, comparison: Comparison) -> Tensor:
        """Return the PSNR in dB."""
        return psnr(comparison.prediction, comparison.truth, data_range=comparison.data_range)


@register("metric", "ssim")
class SSIM(Metric):
    """Structural similarity in the protocol's window, averaged inside the mask; higher is better."""

    name, label, higher_is_better = "ssim", "SSIM", True

    def value(self, comparison: Comparison) -> Tensor:
        """Return the SSIM, at most 1."""
        c = comparison
        window = {"axes": c.axes, "sigma": c.sigma, "window": c.window, "weights": c.weights, "borders": c.borders}
        return ssim(c.prediction, c.truth, data_range=c.data_range, mask=c.mask, **window)  # type: ignore[arg-type]


@register("metric", "mse")
class MSE(Metric):
    """Mean squared error inside the mask; lower is better."""

    name, label = "mse", "MSE"

    def value(self, comparison: Comparison) -> Tensor:
        """Return the MSE in squared units of the normalised image."""
        return mse(comparison.prediction, comparison.truth, comparison.mask)


@register("metric", "mae")
class MAE(Metric):
    """Mean absolute error inside the mask; lower is better."""

    name, label = "mae", "MAE"

    def value(self, comparison: Comparison) -> Tensor:
        """Return the MAE in units of the normalised image."""
        return mae(comparison.prediction, comparison.truth, comparison.mask)


for _unit, _of, _digits in (("HU", "CT", 2), ("SUV", "PET", 3), ("SUVR", "PET", 3)):

    @register("metric", f"mae_{_unit.lower()}")
    class _UnitMAE(MAE):
        __doc__ = f"Mean absolute error of {_of} inside the mask, in {_unit}, without any clipping; lower is better."

        name, label, digits = f"mae_{_unit.lower()}", f"MAE ({_unit})", _digits


@register("metric", "nmse")
class NMSE(Metric):
    """Energy of the error over that of the truth, inside the mask; lower is better."""

    name, label = "nmse", "NMSE"

    def value(self, comparison: Comparison) -> Tensor:
        """Return the NMSE."""
        return nmse(comparison.prediction, comparison.truth, comparison.mask)


@register("metric", "seconds")
class Seconds(Metric):
    """Seconds of wall clock that the synthesis of one volume took, without its preparation; lower is better."""

    name, label, digits = "seconds", "Time (s)", 2

    def value(self, comparison: Comparison) -> Tensor:
        """Return the seconds, NaN where nobody looked at the clock."""
        return torch.tensor(comparison.seconds, dtype=torch.float64)


def metric(name: str) -> Metric:
    """Return a registered metric.

    Raises:
        RecipeError: If there is none of that name; the message gives the nearest match.

    Example:
        >>> metric("psnr").label
        'PSNR (dB)'
    """
    registered: Metric = build("metric", {"name": name})
    return registered
