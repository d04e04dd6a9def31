"""The window of an image, measured in it: intensities that become 0 and 1.

A MONAI bundle takes a copy of this file along, so it imports nothing but what such a bundle has.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

STEP_MM = 3.0  # about how far apart the voxels lie that a depth is measured at
BINS = 200  # of a histogram between 0 and the bright end
BRIGHT = 99.5  # percentile of the bright end
SMOOTH = 4.0  # standard deviation of the histogram's smoothing, in bins
DARKEST = 30  # bins from 0 that count as fluid or air and hold no peak
MUCH_BELOW = (
    0.25  # share of the sum of all magnitudes; 0.5 in any image of mean 0, below 0.0002 after spline interpolation
)


def percentile_window(image: Tensor, inside: Tensor, *, lower: float | None, upper: float) -> tuple[float, float]:
    """Return two percentiles of the foreground; without a lower one, 0 and the upper one.

    Args:
        image: (X, Y, Z).
        inside: (X, Y, Z) bool, its foreground.
        lower: Percentile that becomes 0.
        upper: Percentile that becomes 1.

    Example:
        >>> import torch
        >>> image = torch.arange(101.0).reshape(101, 1, 1)
        >>> percentile_window(image, image >= 0, lower=None, upper=99)
        (0.0, 99.0)
    """
    asked = [upper] if lower is None else [lower, upper]
    *low, high = np.percentile(image[inside].numpy(), asked).tolist()
    return low[0] if low else 0.0, high


def zscore_window(image: Tensor, inside: Tensor) -> tuple[float, float]:
    """Return the mean, and the mean plus one standard deviation, of the foreground.

    Args:
        image: (X, Y, Z).
        inside: (X, Y, Z) bool, its foreground.

    Example:
        >>> import torch
        >>> image = torch.tensor([90.0, 110.0]).reshape(2, 1, 1)
        >>> zscore_window(image, image > 0)
        (100.0, 110.0)
    """
    voxels = image[inside].double()
    mean = float(voxels.mean())
    return mean, mean + float(voxels.std(correction=0))


def deep_median_window(
    image: Tensor, inside: Tensor, spacing: Sequence[float], *, share: float, value: float
) -> tuple[float, float]:
    """Return 0, and what makes the median of the deepest voxels a value.

    Args:
        image: (X, Y, Z).
        inside: (X, Y, Z) bool, its foreground.
        spacing: Edges of a voxel in mm.
        share: Of the foreground that counts, the deepest first.
        value: Prepared intensity of the median.

    Example:
        >>> import torch
        >>> image = torch.full((9, 9, 9), 100.0)
        >>> deep_median_window(image, image > 0, (1.0, 1.0, 1.0), share=0.5, value=0.5)
        (0.0, 200.0)
    """
    steps = tuple(slice(None, None, max(1, round(STEP_MM / edge))) for edge in spacing)
    edges = [edge * (step.step or 1) for edge, step in zip(spacing, steps, strict=True)]
    some = inside[steps].numpy()
    if not some.any():  # thinner than the step
        some, image, steps, edges = inside.numpy(), image, (slice(None),) * 3, list(spacing)
    voxels = image[steps].numpy()[deepest(some, edges, share)]
    return 0.0, float(np.median(voxels)) / value


def deepest(inside: NDArray[np.bool_], spacing: Sequence[float], share: float) -> NDArray[np.bool_]:
    """Return the voxels of a mask that lie deepest below its surface.

    Args:
        inside: (X, Y, Z) bool, true somewhere.
        spacing: Edges of a voxel in mm.
        share: Of the mask's voxels.

    Returns:
        (X, Y, Z) bool: at least that share; more if many are equally deep.

    Example:
        >>> deepest(np.ones((1, 1, 5), dtype=bool), [9.0, 9.0, 1.0], 0.2).flatten().tolist()
        [False, False, True, False, False]
    """
    depth = ndimage.distance_transform_edt(np.pad(inside, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    return np.asarray(inside & (depth >= np.percentile(depth[inside], 100 * (1 - share))))


def peak_window(image: Tensor, inside: Tensor, *, value: float) -> tuple[float, float]:
    """Return 0, and what makes the highest peak of the foreground's histogram a value.

    Args:
        image: (X, Y, Z).
        inside: (X, Y, Z) bool, its foreground.
        value: Prepared intensity of the peak.

    Example:
        >>> import torch
        >>> image = torch.cat([torch.full((4, 10, 10), 60.0), torch.full((6, 10, 10), 100.0)])
        >>> abs(peak_window(image, image > 0, value=0.5)[1] - 200) < 5
        True
    """
    return 0.0, highest_peak(image[inside].numpy()) / value


def highest_peak(voxels: NDArray[np.float32]) -> float:
    """Return the intensity of the highest peak of a smoothed histogram.

    Args:
        voxels: (N,) intensities, from 0 on.

    Example:
        >>> 28 < highest_peak(np.concatenate([np.full(300, 30.0), np.full(100, 80.0)])) < 32
        True
    """
    top = float(np.percentile(voxels, BRIGHT)) * (1 + 1 / BINS)
    counts, edges = np.histogram(voxels, BINS, (0.0, top))
    heights = ndimage.gaussian_filter1d(counts.astype(float), SMOOTH)
    heights[:DARKEST] = 0
    return float((edges[:-1] + edges[1:])[heights.argmax()] / 2)


def share_below_zero(image: Tensor) -> float:
    """Return the share of the sum of all magnitudes that lies below 0.

    Example:
        >>> import torch
        >>> share_below_zero(torch.tensor([-1.0, 1.0, 2.0]))
        0.25
    """
    if float(image.min()) >= 0:
        return 0.0
    below = float(image.clamp(max=0).double().sum())
    return -below / float(image.abs().double().sum())
