"""Steps of a bundle between MONAI's own transforms; a bundle takes a copy of this file along.

What is the head, how bright is it, which voxels has the network, and what may an image hold: as a run of anysyn does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from monai.data import MetaTensor
from monai.transforms import InvertibleTransform, MapTransform, Transform
from torch import Tensor

from anysyn.data.geometry.itk_resampling import resampled, spaced
from anysyn.data.prepare.measured_windows import (
    MUCH_BELOW,
    deep_median_window,
    peak_window,
    percentile_window,
    share_below_zero,
    zscore_window,
)
from anysyn.data.volumes.foreground import foreground, in_air
from anysyn.data.volumes.intensity_window import Window, rescale, restore

Items = dict[str, Any]
AIR = {"CT": -1000.0}
MEASURES: dict[str, Callable[..., Window]] = {
    "percentiles": lambda image, inside, _, **keys: percentile_window(image, inside, **keys),
    "zscore": lambda image, inside, _: zscore_window(image, inside),
    "deep_median": deep_median_window,
    "peak": lambda image, inside, _, **keys: peak_window(image, inside, **keys),
}


def plain(image: Tensor) -> Tensor:
    """Return the voxels of an image without what MONAI knows of it.

    Example:
        >>> type(plain(MetaTensor(torch.ones(1, 2, 2, 2)))).__name__
        'Tensor'
    """
    return image.as_tensor() if isinstance(image, MetaTensor) else image


def like(voxels: Tensor, image: MetaTensor) -> MetaTensor:
    """Return voxels as an image with what MONAI knows of another one.

    Example:
        >>> like(torch.zeros(1, 2, 2, 2), MetaTensor(torch.ones(1, 2, 2, 2), affine=2 * torch.eye(4))).pixdim.tolist()
        [2.0, 2.0, 2.0]
    """
    made = MetaTensor(voxels)
    made.copy_meta_from(image)
    return made


class FindBody(Transform):  # type: ignore[misc]
    """Add ``body``, the head or body in any of the channels of ``image``, and ``inside``, a copy that is prepared.

    Args:
        families: ``MRI``, ``CT`` or ``PET`` of each channel.
    """

    def __init__(self, families: Sequence[str]) -> None:
        self.families = families

    def __call__(self, data: Items) -> Items:
        """Find it."""
        channels = zip(plain(data["image"]), self.families, strict=True)
        body = torch.stack([foreground(image, family) for image, family in channels]).any(0, keepdim=True)
        return {**data, "body": body, "inside": like(body.float(), data["image"])}


class CutNegative(Transform):  # type: ignore[misc]
    """Clamp the negative values that spline interpolation leaves; CT stays as it is.

    Args:
        families: Of each channel of ``image``.
    """

    def __init__(self, families: Sequence[str]) -> None:
        self.families = families

    def __call__(self, data: Items) -> Items:
        """Clamp them.

        Raises:
            ValueError: If an MRI lies below 0 in large part.
        """
        voxels = plain(data["image"]).clone()
        for channel, family in zip(voxels, self.families, strict=True):
            if family == "MRI" and share_below_zero(channel) > MUCH_BELOW:
                raise ValueError("an MRI lies below 0 in large part; give it as the scanner made it")
            if family != "CT":
                channel.clamp_(min=0)
        return {**data, "image": like(voxels, data["image"])}


class WithinMargin:
    """Return the box of a mask and a margin around it, for `CropForegroundd`.

    Args:
        margin: In mm.

    Example:
        >>> mask = MetaTensor(torch.zeros(1, 9, 9, 9), affine=torch.eye(4))
        >>> mask[0, 4, 4, 4] = 1
        >>> int(WithinMargin(1.5)(mask).sum())
        125
    """

    def __init__(self, margin: float) -> None:
        self.margin = margin

    def __call__(self, mask: MetaTensor) -> Tensor:
        """Return it, (1, X, Y, Z) bool."""
        inside, box = plain(mask)[0] > 0, [slice(0, 1)]
        for axis, (length, edge) in enumerate(zip(inside.shape, mask.pixdim, strict=True)):
            along = inside.movedim(axis, 0).flatten(1).any(1).nonzero()
            grown = int(np.ceil(self.margin / float(edge)))
            box.append(slice(max(int(along[0]) - grown, 0), min(int(along[-1]) + 1 + grown, length)))
        around = torch.zeros_like(inside).unsqueeze(0)
        around[tuple(box)] = True
        return around


class ToSpacingd(MapTransform, InvertibleTransform):  # type: ignore[misc]
    """Resample images to one voxel size, and back to exactly their grid.

    Args:
        keys: Of the images.
        spacing: Voxel edge lengths in mm along the axes at this step; None keeps an axis as it is.
        interpolation: ``linear`` or ``bspline``.
        families: Of each channel, for the air outside; 0 if there are none.
        mask: Whether the images are masks.
    """

    def __init__(
        self,
        keys: str,
        *,
        spacing: Sequence[float | None],
        interpolation: str = "linear",
        families: Sequence[str] = (),
        mask: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys)
        self.spacing, self.interpolation, self.mask = spacing, interpolation, mask
        self.air = [AIR.get(family, 0.0) for family in families]

    def __call__(self, data: Mapping[str, Any]) -> Items:
        """Resample them."""
        items = dict(data)
        for key in self.key_iterator(items):
            image = items[key]
            affine = image.affine.numpy()
            made = self._moved(image, self.air, *spaced(image.shape[1:], affine, self.spacing))
            self.push_transform(made, orig_size=tuple(image.shape[1:]), extra_info={"from": affine.tolist()})
            items[key] = made
        return items

    def inverse(self, data: Mapping[str, Any]) -> Items:
        """Return them to the grid that they had; what is outside becomes 0."""
        items = dict(data)
        for key in self.key_iterator(items):
            known = self.pop_transform(items[key])
            items[key] = self._moved(items[key], (), known["orig_size"], np.array(known["extra_info"]["from"]))
        return items

    def _moved(self, image: MetaTensor, air: Sequence[float], shape: Sequence[int], onto: Any) -> MetaTensor:
        affine, fill = image.affine.numpy(), [*air, *(0.0 for _ in image[len(air) :])]
        if np.array_equal(affine, onto):
            return like(plain(image), image)
        ways = {"interpolation": self.interpolation}
        channels = [
            resampled(channel.float().contiguous(), affine, shape, onto, background=low, **ways)
            for channel, low in zip(plain(image), fill, strict=True)
        ]
        voxels = torch.stack(channels)
        made = like((voxels > 0.5).float() if self.mask else voxels, image)
        made.affine = torch.from_numpy(np.array(onto))
        return made


class Scaled(Transform):  # type: ignore[misc]
    """Map each channel of ``image`` from its window to 0 and 1, and add ``air``: what air became in each.

    Args:
        families: Of each channel.
        windows: Of each channel, or None if it is measured in the image.
        measure: How: a key of `MEASURES`.
        options: Of the measure.
    """

    def __init__(
        self,
        families: Sequence[str],
        windows: Sequence[Window | None],
        measure: str,
        options: Mapping[str, float | None] = {},
    ) -> None:
        self.families, self.windows, self.options = families, windows, options
        self.measure = MEASURES[measure]

    def __call__(self, data: Items) -> Items:
        """Scale them."""
        image, channels, air = data["image"], [], []
        edges = [float(edge) for edge in image.pixdim]
        for voxels, family, known in zip(plain(image), self.families, self.windows, strict=True):
            window = known or self.measure(voxels, foreground(voxels, family), edges, **self.options)
            channels.append(rescale(voxels, window))
            air.append(rescale(AIR.get(family, 0.0), window))
        return {**data, "image": like(torch.stack(channels), image), "air": air}


class Restored(Transform):  # type: ignore[misc]
    """Map prepared intensities of ``pred`` to the unit of a file, less that of air, which the way back fills with 0.

    Args:
        window: Intensities that become 0 and 1.
        air: Intensity of air in the target.
    """

    def __init__(self, window: Window, air: float) -> None:
        self.window, self.air = window, air

    def __call__(self, data: Items) -> Items:
        """Restore them."""
        voxels = restore(plain(data["pred"]), self.window) - self.air
        return {**data, "pred": MetaTensor(voxels)}  # Invertd takes no plain tensor


class Physical(Transform):  # type: ignore[misc]
    """Set what is air in all sources to air, and clip the rest to what the target can be.

    Args:
        families: Of each channel of ``given``, the sources as they came.
        low: Lowest possible value; None is no bound.
        high: Highest possible value; None is no bound.
        air: Intensity of air in the target.
        signed: Whether the bounds only hold if the MRI of the sources lies above 0, as for a run that was trained on
            z-scored images.
    """

    def __init__(
        self, families: Sequence[str], low: float | None, high: float | None, air: float, *, signed: bool = False
    ) -> None:
        self.families, self.low, self.high, self.air, self.signed = families, low, high, air, signed

    def __call__(self, data: Items) -> Items:
        """Do so."""
        channels = list(zip(plain(data["given"]), self.families, strict=True))
        below = [share_below_zero(image) for image, family in channels if family == "MRI"]
        free = self.signed and not (below and max(below) <= MUCH_BELOW)
        low = -math.inf if free or self.low is None else self.low
        high = math.inf if free or self.high is None else self.high
        outside = ~data["body"] & torch.stack([in_air(image, family) for image, family in channels]).all(0)
        pred = plain(data["pred"]) + self.air
        return {**data, "pred": like(pred.clamp(low, high).masked_fill(outside, self.air), data["pred"])}
