"""Scales that mean the same tissue in every scan, rather than its brightest voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy import ndimage
from torch import Tensor

from anysyn.bounds import Positive
from anysyn.data.prepare.intensity import Linear, Spacing
from anysyn.data.volumes.intensity_window import Window
from anysyn.registry import register

STEP_MM = 3.0  # about how far apart the voxels lie that a depth is measured at
BINS = 200  # of a histogram between 0 and the bright end
BRIGHT = 99.5  # percentile of the bright end
SMOOTH = 4.0  # standard deviation of the histogram's smoothing, in bins
DARKEST = 30  # bins from 0 that count as fluid or air and hold no peak


@register("prepare", "deep_median")
@dataclass(frozen=True, kw_only=True)
class DeepMedian(Linear):
    """Scaling of each MRI by the median of its inside: what lies deepest below the surface of the head or brain.

    The depth of a head is brain, with and without its skull, and half of it is more than any lesion. The 99.5th
    percentile, by contrast, is fat in a whole T1w head, fluid in a T2w brain and vessels after contrast agent.

    Args:
        share: Of the foreground that counts, the deepest first.
        value: Prepared intensity of the median.

    Example:
        >>> import torch
        >>> image = torch.full((20, 20, 20), 900.0)  # bright skin round a calm inside
        >>> image[1:19, 1:19, 1:19] = 100
        >>> scale = DeepMedian(value=0.5)
        >>> scale.measured(image, torch.ones(20, 20, 20, dtype=torch.bool), (1.0, 1.0, 1.0))
        (0.0, 200.0)
    """

    share: Annotated[float, Field(gt=0, le=1)] = 0.5
    value: Positive = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.share <= 1 or not self.value > 0:
            raise ValueError(f"prepare.deep_median: share {self.share} and value {self.value}: 0 to 1, and above 0")

    def measured(self, image: Tensor, inside: Tensor, spacing: Spacing) -> Window:
        """Return 0, and what makes the median of the deepest voxels ``value``."""
        steps = tuple(slice(None, None, max(1, round(STEP_MM / edge))) for edge in spacing)
        edges = [edge * (step.step or 1) for edge, step in zip(spacing, steps, strict=True)]
        some = inside[steps].numpy()
        if not some.any():  # thinner than the step
            some, image, steps, edges = inside.numpy(), image, (slice(None),) * 3, list(spacing)
        voxels = image[steps].numpy()[deepest(some, edges, self.share)]
        return 0.0, float(np.median(voxels)) / self.value


def deepest(inside: NDArray[np.bool_], spacing: list[float], share: float) -> NDArray[np.bool_]:
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


@register("prepare", "white_stripe")
@dataclass(frozen=True, kw_only=True)
class WhiteStripe(Linear):
    """Scaling of each MRI by a peak of its histogram, as WhiteStripe finds white matter (Shinohara et al., 2014).

    The highest peak of a brain without its skull is white matter or, with much fluid or lesion, grey matter. The
    stripe's own shift and standard deviation are left out: 0 stays 0.

    Args:
        value: Prepared intensity of the peak.

    Example:
        >>> import torch
        >>> image = torch.cat([torch.full((4, 10, 10), 60.0), torch.full((6, 10, 10), 100.0)])
        >>> inside = torch.ones(10, 10, 10, dtype=torch.bool)
        >>> low, high = WhiteStripe(value=0.5).measured(image, inside, (1.0, 1.0, 1.0))
        >>> low, abs(high - 200) < 5
        (0.0, True)
    """

    value: Positive = 0.4

    def measured(self, image: Tensor, inside: Tensor, spacing: Spacing) -> Window:
        """Return 0, and what makes the peak ``value``."""
        return 0.0, highest_peak(image[inside].numpy()) / self.value


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
