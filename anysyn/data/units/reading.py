"""An image as it was read, checked and in the unit of the modality table."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from anysyn.data.errors import VolumeError
from anysyn.data.modalities import Modality, modality
from anysyn.data.units.attenuation import check_hounsfield
from anysyn.data.units.diffusion import UNIT as DIFFUSION
from anysyn.data.units.diffusion import diffusion_factor
from anysyn.data.units.percentiles import percentile
from anysyn.data.units.uptake import check_uptake
from anysyn.data.volumes.foreground import foreground

TIMES_BRIGHT = 1e4  # a voxel so many times as bright as the bright ones is damage
TIMES_WINDOW = 100.0  # so far beyond the window of a modality with a unit lies no tissue, metal or bladder
BEYOND_ALL = 1e12  # no scanner's number


class Reading(NamedTuple):
    """An image in the unit of the modality table, and what was assumed about its unit, or None."""

    image: Tensor
    assumed: str | None


def in_table_unit(image: Tensor, name: str, stated: str | None = None) -> Reading:
    """Check that an image can be of a modality, and bring it to the unit of the modality table.

    Args:
        image: (X, Y, Z) float32, finite and not constant.
        name: Canonical name of the modality.
        stated: The unit that its sidecar states, or None.

    Raises:
        VolumeError: If a voxel is beyond what the modality can be, or the unit is another one or unclear; the message
            has the remedy and leaves the place to the caller.

    Example:
        >>> adc = torch.tensor([0.0, 0.7, 0.8, 3.0]).reshape(2, 2, 1)
        >>> in_table_unit(adc, "ADC", "10^-3 mm^2/s").image.flatten().round().tolist()
        [0.0, 700.0, 800.0, 3000.0]
    """
    known = modality(name)
    if known.window is None:
        check_extremes(image, known)
        return Reading(image, None)
    inside = foreground(image, known.family)
    if known.unit == DIFFUSION:
        check_extremes(image, None)
        factor, assumed = diffusion_factor(image, inside, stated)
        image = image if factor == 1 else image * factor
    elif known.family == "PET":
        assumed = check_uptake(image, inside, known.unit, known.window[1], stated)
    else:
        check_hounsfield(image, inside)
        assumed = None
    check_extremes(image, known)
    return Reading(image, assumed)


def check_extremes(image: Tensor, known: Modality | None) -> None:
    """Raise a `VolumeError` that names the voxel if one is beyond what an image of a modality can be.

    With a unit, that is 100 times beyond its window (a CT's metal and a bladder's PET are within 10). Without one, it
    is 10,000 times the 99.9th percentile of the other voxels; in real MRI the brightest voxel is at most 4 times it.

    Example:
        >>> image = torch.ones(3, 3, 3)
        >>> image[1, 2, 0] = 1e30
        >>> check_extremes(image, modality("T1w"))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        anysyn.data.errors.VolumeError: voxel (1, 2, 0) is 1e+30, where bright ones are about 1; set it to ...
    """
    low, high = (float(end) for end in image.aminmax())
    most = max(-low, high)
    window = known.window if known is not None else None
    if window is not None and most <= min(BEYOND_ALL, TIMES_WINDOW * max(abs(window[0]), abs(window[1]))):
        return
    if window is None and most <= BEYOND_ALL and _many_above(image, most / TIMES_BRIGHT):
        return
    size = image.abs()
    bright = percentile(size[size > 0], 99.9, lower=True)
    if window is None and most <= min(BEYOND_ALL, TIMES_BRIGHT * bright):
        return
    at = int(size.argmax())
    place = ", ".join(str(int(index)) for index in torch.unravel_index(torch.tensor(at), image.shape))
    raise VolumeError(
        f"voxel ({place}) is {float(image.flatten()[at]):g}, where bright ones are about {bright:g}; set it to its "
        "neighbours' mean, or export the image again"
    )


def _many_above(image: Tensor, size: float) -> bool:
    """Tell whether so many voxels are of a size that the 99.9th percentile is, without sorting them."""
    return int((image > size).count_nonzero()) > 0.002 * image.numel()
