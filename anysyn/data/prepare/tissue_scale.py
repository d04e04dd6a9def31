"""Scales that mean the same tissue in every scan, rather than its brightest voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import Tensor

from anysyn.bounds import Positive
from anysyn.data.prepare.intensity import Linear, Spacing
from anysyn.data.prepare.measured_windows import deep_median_window, peak_window
from anysyn.data.volumes.intensity_window import Window
from anysyn.registry import register


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
        return deep_median_window(image, inside, spacing, share=self.share, value=self.value)


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
        return peak_window(image, inside, value=self.value)
