"""Changes of how an image looks, each image of a sample for itself; its anatomy stays.

For `data.augment_sources`: the network reads images of scanners and protocols that nobody collected, while the target
stays as it was acquired (as Billot et al., Med Image Anal 2023, and Iglesias et al., Sci Adv 2023, do from label maps).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from anysyn.bounds import NotNegative, Share
from anysyn.data.augment.augmentation import Augmentation
from anysyn.ops import spread
from anysyn.registry import register

KNOTS = 9  # of a contrast curve, spread evenly from 0 to `TOP`
SHORT = 16  # voxels; a shorter axis, of a slab, is shaded alike from end to end
TOP = 2.0  # prepared intensity beyond which a contrast curve is a straight line


class _Some(Augmentation):
    """Base of changes that some of the images get.

    Args:
        probability: Of an image to be changed.
    """

    def __init__(self, *, probability: Share = 0.5) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"augment.probability: {probability} is not from 0 to 1")
        self.probability = probability

    def __call__(self, images: Tensor, axes: Sequence[int], generator: Generator) -> Tensor:
        """Return changed and unchanged images."""
        chosen = torch.rand(images.shape[:2], generator=generator) < self.probability  # (B, M)
        return torch.where(spread(chosen, images), self.changed(images, generator), images)  # (B, M, *S)

    def changed(self, images: Tensor, generator: Generator) -> Tensor:
        """Return changed images (B, M, *S)."""
        raise NotImplementedError


@register("augment", "contrast")
class Contrast(_Some):
    """A random curve of intensity, rising all the way: contrasts between tissues that no protocol of the cohort has.

    The logarithm of the curve's slope between knots is normal; 0 stays 0, and so does the mean slope, so that the
    scale of an image stays about what it was.

    Args:
        strength: Standard deviation of the logarithm of the slope.
        probability: Of an image to be changed.

    Example:
        >>> ramp = torch.linspace(0, 2, 50).reshape(1, 1, 50)
        >>> curved = Contrast(strength=0.5, probability=1)(ramp, (0,), torch.Generator().manual_seed(0))
        >>> bool((curved.diff() > 0).all()), curved[..., [0, -1]].flatten().tolist()
        (True, [0.0, 2.0])
    """

    def __init__(self, *, strength: NotNegative = 0.4, probability: Share = 0.5) -> None:
        super().__init__(probability=probability)
        self.strength = strength

    def changed(self, images: Tensor, generator: Generator) -> Tensor:
        """Return images with their curves."""
        slopes = (self.strength * torch.randn(*images.shape[:2], KNOTS - 1, generator=generator)).exp()  # (B, M, n - 1)
        slopes = slopes / slopes.mean(2, keepdim=True)
        return curved(images, slopes)


def curved(images: Tensor, slopes: Tensor) -> Tensor:
    """Map intensities by a piecewise linear curve from 0 to `TOP`; beyond, the slope is 1.

    Args:
        images: (B, M, *S).
        slopes: (B, M, n), positive, of mean 1, of n pieces of equal length.

    Example:
        >>> curved(torch.tensor([[[0.5, 1.0, 3.0]]]), torch.tensor([[[0.5, 1.5]]])).flatten().tolist()
        [0.25, 0.5, 3.0]
    """
    piece = TOP / slopes.shape[2]
    result = images.clamp(max=0) + (images - TOP).clamp(min=0)
    for number, slope in enumerate(slopes.unbind(2)):
        result = result + spread(slope, images) * (images - number * piece).clamp(0, piece)
    return result  # (B, M, *S)


@register("augment", "shading")
class Shading(_Some):
    """A smooth factor over the image, as of a receiving coil, and a gain of the whole.

    Args:
        strength: Standard deviation of the logarithm of the factor.
        gain: Standard deviation of the logarithm of the gain.
        probability: Of an image to be changed.

    Example:
        >>> flat = torch.ones(1, 1, 32, 32)
        >>> shaded = Shading(strength=0.2, gain=0, probability=1)(flat, (0, 1), torch.Generator().manual_seed(0))
        >>> 0.02 < float(shaded.std()) < 0.5
        True
    """

    def __init__(self, *, strength: NotNegative = 0.1, gain: NotNegative = 0.05, probability: Share = 0.5) -> None:
        super().__init__(probability=probability)
        self.strength, self.gain = strength, gain

    def changed(self, images: Tensor, generator: Generator) -> Tensor:
        """Return shaded images."""
        sides = [4 if length >= SHORT else 1 for length in images.shape[2:]]
        coarse = torch.randn(*images.shape[:2], *sides, generator=generator)  # (B, M, 4 or 1, ...)
        mode = {1: "linear", 2: "bicubic", 3: "trilinear"}[len(sides)]
        field = F.interpolate(coarse, size=images.shape[2:], mode=mode, align_corners=True)  # (B, M, *S)
        gain = torch.randn(images.shape[:2], generator=generator)  # (B, M)
        return images * (self.strength * field + spread(self.gain * gain, images)).exp()


@register("augment", "noise")
class Noise(_Some):
    """Rician noise: the magnitude after Gaussian noise in both channels.

    Args:
        most: Largest standard deviation in each channel, on the scale of prepared images; it is drawn from 0 on.
        probability: Of an image to be changed.

    Example:
        >>> image = torch.tensor([[[0.0, 0.5, 1.0]]])
        >>> noisy = Noise(most=0.1, probability=1)(image, (0,), torch.Generator().manual_seed(0))
        >>> bool((noisy >= 0).all()), (noisy == image).flatten().tolist()
        (True, [True, False, False])
    """

    def __init__(self, *, most: NotNegative = 0.05, probability: Share = 0.5) -> None:
        super().__init__(probability=probability)
        self.most = most

    def changed(self, images: Tensor, generator: Generator) -> Tensor:
        """Return noisy images; where an image is exactly 0, cut out or absent, it stays 0."""
        sigma = spread(self.most * torch.rand(images.shape[:2], generator=generator), images)  # (B, M, 1, ...)
        real, imaginary = (sigma * torch.randn(images.shape, generator=generator) for _ in range(2))
        return torch.where(images == 0, 0, torch.hypot(images + real, imaginary))  # (B, M, *S)


@register("augment", "coarse")
class Coarse(_Some):
    """Thick slices along one axis of the image: averages over a few voxels, interpolated back.

    Args:
        most: Largest thickness in voxels; it is drawn from 1 on.
        probability: Of an image to be changed.

    Example:
        >>> image = torch.zeros(1, 1, 12, 12)
        >>> image[..., 6, 6] = 1
        >>> thick = Coarse(most=6, probability=1)(image, (0, 1), torch.Generator().manual_seed(0))
        >>> float(thick.max()) < 1, round(float(thick.sum()), 1) > 0
        (True, True)
    """

    def __init__(self, *, most: NotNegative = 6.0, probability: Share = 0.3) -> None:
        super().__init__(probability=probability)
        if most < 1:
            raise ValueError(f"augment.coarse.most: {most} voxels is below 1")
        self.most = most

    def changed(self, images: Tensor, generator: Generator) -> Tensor:
        """Return images of thick slices."""
        rows = images.flatten(0, 1)  # (B M, *S)
        axes = torch.randint(images.ndim - 2, (len(rows),), generator=generator).tolist()
        thickness = (1 + (self.most - 1) * torch.rand(len(rows), generator=generator)).tolist()
        changed = [thick(row, axis, edge) for row, axis, edge in zip(rows, axes, thickness, strict=True)]
        return torch.stack(changed).reshape(images.shape)  # (B, M, *S)


def thick(image: Tensor, axis: int, thickness: float) -> Tensor:
    """Average an image (*S) along an axis into slices of a thickness in voxels, and interpolate it back linearly.

    Example:
        >>> thick(torch.tensor([0.0, 0.0, 4.0, 4.0]), 0, 2.0).tolist()
        [0.0, 1.0, 3.0, 4.0]
    """
    lines = image.movedim(axis, -1)  # (..., n)
    length = lines.shape[-1]
    flat = lines.reshape(1, -1, length)  # (1, m, n)
    slices = F.adaptive_avg_pool1d(flat, max(1, round(length / thickness)))  # (1, m, k)
    back = F.interpolate(slices, size=length, mode="linear", align_corners=False)  # (1, m, n)
    return back.reshape(lines.shape).movedim(-1, axis)  # (*S)
