"""SSIM of the lesion and of the healthy tissue, as in the BraSyn challenge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from anysyn.evaluation.metrics.metrics import Comparison, Metric
from anysyn.evaluation.metrics.ssim import WINDOW, ssim
from anysyn.registry import register


def region_ssim(
    prediction: Tensor,
    truth: Tensor,
    region: Tensor,
    *,
    axes: Sequence[int] | None = None,
    sigma: float = 1.5,
    window: int = WINDOW,
) -> Tensor:
    """Return the SSIM of two images set to 0 outside of a region, averaged over the whole image.

    As in BraSyn, the data range is the larger of the spans of the two masked images, and the zeros, which agree, count
    in the average. ``region`` is bool, of the shape of the images; the other arguments are those of `ssim`.

    Returns:
        A scalar in float64, at most 1; NaN if both images are constant in the region.

    Example:
        >>> image = torch.rand(12, 12)
        >>> round(region_ssim(image, image, image > 0.5).item(), 6)
        1.0
    """
    p, t = (torch.where(region, image.double(), 0.0) for image in (prediction, truth))
    span = max(float(image.max() - image.min()) for image in (p, t))
    if span == 0:
        return torch.tensor(float("nan"), dtype=torch.float64)
    return ssim(p, t, data_range=span, axes=axes, sigma=sigma, window=window)


class LesionMetric(Metric):
    """SSIM inside or outside of the lesion."""

    inside: ClassVar[bool]

    def value(self, comparison: Comparison) -> Tensor:
        """Return the SSIM, at most 1.

        Raises:
            ValueError: If there is no lesion mask.
        """
        c = comparison
        if c.lesion is None:
            raise ValueError(f"metric {self.name!r} needs a lesion mask; give the subject one")
        region = c.lesion if self.inside else ~c.lesion
        return region_ssim(c.prediction, c.truth, region, axes=c.axes, sigma=c.sigma, window=c.window)


@register("metric", "ssim_lesion")
class LesionSSIM(LesionMetric):
    """Structural similarity of images set to 0 outside of the lesion (BraSyn); higher is better."""

    name, label, higher_is_better, inside = "ssim_lesion", "SSIM lesion", True, True


@register("metric", "ssim_healthy")
class HealthySSIM(LesionMetric):
    """Structural similarity of images set to 0 in the lesion (BraSyn); higher is better."""

    name, label, higher_is_better, inside = "ssim_healthy", "SSIM healthy", True, False
