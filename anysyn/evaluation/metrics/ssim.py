"""Structural similarity (SSIM), as a map and as one number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from scipy.ndimage import gaussian_filter, uniform_filter
from torch import Tensor

from anysyn.losses.structure import K1, K2

Weights = Literal["gaussian", "uniform"]


WINDOW = 11  # voxels along an axis; a protocol may choose another


def ssim_map(
    prediction: Tensor,
    truth: Tensor,
    *,
    data_range: float,
    axes: Sequence[int] | None = None,
    sigma: float = 1.5,
    window: int = WINDOW,
    weights: Weights = "gaussian",
    borders: bool = False,
) -> Tensor:
    """Compare luminance, contrast and structure around every voxel (Wang et al. 2004, Eq. 13).

    ``(2 mu_p mu_t + C1) (2 s_pt + C2) / ((mu_p^2 + mu_t^2 + C1) (s_p^2 + s_t^2 + C2))`` with ``C_i = (K_i L)^2`` and
    Gaussian-weighted means, variances and covariance (of the population, divided by N). It is the full map of
    scikit-image's ``structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, full=True)``.
    With ``"uniform"`` weights, means are plain and variances those of a sample (divided by N - 1), scikit-image's
    default.

    Args:
        prediction: Image of any shape.
        truth: Image of the same shape.
        data_range: L, the span of the intensities.
        axes: Axes that the window extends along; all by default. Along the others every slice is separate.
        sigma: Standard deviation of the window in voxels.
        window: Length of the window in voxels, odd.
        weights: Weights of the window.
        borders: How images are continued at their borders: mirrored with the outermost voxels repeated, or without.

    Returns:
        The map in float64, of the same shape.

    Raises:
        ValueError: If the window does not fit into the image.

    Example:
        >>> image = torch.rand(12, 12)
        >>> bool(torch.allclose(ssim_map(image, image, data_range=1.0), torch.ones(12, 12, dtype=torch.float64)))
        True
    """
    axes = tuple(range(truth.ndim) if axes is None else axes)
    _check_fit([truth.shape[axis] for axis in axes], window)
    mode: Any = "mirror" if borders else "reflect"  # scipy's words

    def mean(image: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        if weights == "uniform":
            return uniform_filter(image, window, mode=mode, axes=axes)  # type: ignore[no-any-return]
        return gaussian_filter(image, sigma, mode=mode, radius=window // 2, axes=axes)  # type: ignore[no-any-return]

    count = window ** len(axes)
    sample = count / (count - 1) if weights == "uniform" else 1.0
    p, t = (image.double().cpu().numpy() for image in (prediction, truth))
    mean_p, mean_t = mean(p), mean(t)
    squares = mean_p**2 + mean_t**2
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * mean_p * mean_t + c1) / (squares + c1)
    covariance, variances = sample * (mean(p * t) - mean_p * mean_t), sample * (mean(p**2 + t**2) - squares)
    return torch.from_numpy(luminance * (2 * covariance + c2) / (variances + c2))


def _check_fit(lengths: Sequence[int], window: int) -> None:
    if min(lengths) < window:
        size = " x ".join(map(str, lengths))
        remedy = "compare slices (protocol 'slices')" if len(lengths) > 2 else "compare images with more voxels"
        raise ValueError(f"SSIM needs {window} voxels along each axis of its window, the image has {size}; {remedy}")


def ssim(
    prediction: Tensor,
    truth: Tensor,
    *,
    data_range: float,
    mask: Tensor | None = None,
    axes: Sequence[int] | None = None,
    sigma: float = 1.5,
    window: int = WINDOW,
    weights: Weights = "gaussian",
    borders: bool = False,
) -> Tensor:
    """Average the SSIM map.

    Without a mask the average excludes the border where the window extends beyond the edge, as in scikit-image. With a
    mask it is over every voxel of the mask, mirrored borders included, so that the outermost cortex counts in an image
    that is cropped tightly around the brain; with ``"uniform"`` weights, as in SynthRAD, the border is excluded.

    With ``borders`` the average is over every voxel of the image, as in torchmetrics 1.9.

    ``mask`` is bool, of the shape of the images; the other arguments are those of `ssim_map`.

    Returns:
        A scalar in float64, at most 1.

    Raises:
        ValueError: If the window does not fit into the image or the mask is empty.

    Example:
        >>> image = torch.rand(12, 12)
        >>> round(ssim(image, image, data_range=1.0, mask=image > 0.5).item(), 6)
        1.0
    """
    axes = tuple(range(truth.ndim) if axes is None else axes)
    _check_fit([truth.shape[axis] for axis in axes], window)
    near = (slice(None),) * truth.ndim if mask is None else _around(mask, window)
    how: dict[str, Any] = {"axes": axes, "sigma": sigma, "window": window, "weights": weights, "borders": borders}
    similarity = ssim_map(prediction[near], truth[near], data_range=data_range, **how)
    inner = _inside(truth.shape, axes, window // 2)
    if mask is None:
        return (similarity if borders else similarity[inner]).mean()
    if weights == "uniform":
        within = torch.zeros_like(mask)
        within[inner] = mask[inner]
        mask = within
    return similarity[mask[near]].mean()


def _inside(shape: Sequence[int], axes: Sequence[int], radius: int) -> tuple[slice, ...]:
    return tuple(slice(radius, n - radius) if axis in axes else slice(None) for axis, n in enumerate(shape))


def _around(mask: Tensor, margin: int) -> tuple[slice, ...]:
    # The map at a voxel depends on half a window around it; a margin of a whole window makes every box long enough.
    if not mask.any():
        raise ValueError("the mask is empty, so there is nothing to compare")
    where = mask.nonzero()  # (N, axes)
    bounds = zip(where.amin(0).tolist(), where.amax(0).tolist(), mask.shape, strict=True)
    return tuple(slice(max(0, low - margin), min(n, high + margin + 1)) for low, high, n in bounds)
