"""Structural similarity at five scales inside a mask, as the SynthRAD challenge of 2025 compares CT."""

from __future__ import annotations

import math

import torch
from scipy.ndimage import uniform_filter
from torch import Tensor
from torch.nn import functional as F

from anysyn.evaluation.metrics.metrics import Comparison, Metric
from anysyn.losses.structure import K1, K2
from anysyn.registry import register

SCALES = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Wang, Simoncelli and Bovik 2003, the finest first
LEAST = 97  # voxels along an axis, so that the coarsest scale still has a whole window
WINDOW = 7  # voxels


def masked_ms_ssim(prediction: Tensor, truth: Tensor, mask: Tensor, *, data_range: float) -> Tensor:
    """Multiply the SSIM inside the mask at five scales, each halved by the mean of 2 x 2 x 2 voxels.

    ``prod_j clip(mean_mask(l^w_j c^w_j s^w_j), 0, 1)`` with luminance, contrast and structure of Wang et al. (2003) in
    uniform windows of 7 voxels with the sample covariance, each not below 0. Unlike theirs, luminance counts at every
    scale: so does the challenge's code. Images with fewer than 97 voxels along an axis are continued at their edges,
    and windows that reach beyond an edge do not count.

    Args:
        prediction: (X, Y, Z), the same value as the truth's outside the mask.
        truth: (X, Y, Z), not negative.
        mask: (X, Y, Z) bool.
        data_range: L, the span of the intensities.

    Returns:
        A scalar in float64, 0 to 1; NaN if a scale has no voxel of the mask.

    Example:
        >>> image = torch.rand(12, 12, 12)
        >>> everywhere = torch.ones_like(image, dtype=torch.bool)
        >>> round(masked_ms_ssim(image, image, everywhere, data_range=1.0).item(), 6)
        1.0
    """
    p, t = (_continued(image.double()) for image in (prediction, truth))
    where = _continued(mask.double()) > 0
    product = torch.ones((), dtype=torch.float64)
    for weight in SCALES:
        inner = tuple(slice(WINDOW // 2, n - WINDOW // 2) for n in t.shape)
        similarity = _weighted_map(p, t, data_range, weight)[inner][where[inner]].mean()
        product = product * similarity.clamp(0, 1)
        p, t, where = _halved(p), _halved(t), where[::2, ::2, ::2]
    return product


def _weighted_map(p: Tensor, t: Tensor, data_range: float, weight: float) -> Tensor:
    """Return ``(l c s)^weight`` at every voxel, each factor at least 0."""

    def mean(image: Tensor) -> Tensor:
        return torch.from_numpy(uniform_filter(image.cpu().numpy(), WINDOW, mode="reflect"))

    sample = WINDOW**3 / (WINDOW**3 - 1)
    mean_p, mean_t = mean(p), mean(t)
    var_p, var_t = sample * (mean(p * p) - mean_p**2), sample * (mean(t * t) - mean_t**2)
    covariance = sample * (mean(p * t) - mean_p * mean_t)
    deviations = var_p.clamp(min=0).sqrt() * var_t.clamp(min=0).sqrt()
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * mean_p * mean_t + c1) / (mean_p**2 + mean_t**2 + c1)
    contrast = (2 * deviations + c2) / (var_p + var_t + c2)
    structure = (covariance + c2 / 2) / (deviations + c2 / 2)
    return math.prod(part.clamp(min=0) ** weight for part in (luminance, contrast, structure))  # type: ignore[return-value]


def _continued(image: Tensor) -> Tensor:
    """Repeat the outermost voxels until every axis has `LEAST`."""
    lacking = [max(0, LEAST - n) for n in reversed(image.shape)]
    margins = [part for n in lacking for part in (n // 2, n - n // 2)]
    return F.pad(image[None, None], margins, mode="replicate")[0, 0]


def _halved(image: Tensor) -> Tensor:
    # A coarser voxel is the mean of a voxel and the one before it along each axis; zeros go before the first.
    return F.avg_pool3d(F.pad(image[None, None], (1, 0) * 3), 2)[0, 0]  # (ceil(X / 2), ...)


@register("metric", "ms_ssim_masked")
class MaskedMSSSIM(Metric):
    """Structural similarity at five scales inside the mask, of volumes (SynthRAD 2025); higher is better."""

    name, label, higher_is_better = "ms_ssim_masked", "MS-SSIM", True

    def value(self, comparison: Comparison) -> Tensor:
        """Return the MS-SSIM, 0 to 1.

        Raises:
            ValueError: If slices are compared.
        """
        c = comparison
        if c.truth.ndim != 3:
            raise ValueError("metric 'ms_ssim_masked' compares volumes; take a protocol with unit 'volume'")
        mask = torch.ones_like(c.truth, dtype=torch.bool) if c.mask is None else c.mask
        return masked_ms_ssim(c.prediction, c.truth, mask, data_range=c.data_range)
