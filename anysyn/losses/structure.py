"""The loss between structures: SSIM, only where truth exists."""

from __future__ import annotations

import torch
from torch import Tensor

from anysyn.bounds import Count, NotNegative, Positive
from anysyn.ops import chosen, in_float32
from anysyn.registry import register
from anysyn.types import Loss, Outcome

K1, K2 = 0.01, 0.03  # Wang et al. 2004, section III.B


def _window_means(images: Tensor, window: int, sigma: float) -> Tensor:
    """Average around each voxel with Gaussian weights; an axis of n voxels becomes one of n + 1 - window.

    Along each axis it is a product with a matrix of shifted weights: on a CPU several times faster than a convolution
    with one channel (``benchmarks/speed.py ssim``).
    """
    offsets = torch.arange(window, device=images.device) - window // 2
    weights = torch.softmax(-offsets.square() / (2 * sigma**2), 0)
    for axis in range(1, images.ndim):
        count = images.shape[axis] + 1 - window
        shifted = weights.new_zeros(count, images.shape[axis])  # (T, S)
        shifted.as_strided((count, window), (images.shape[axis] + 1, 1)).copy_(weights.expand(count, -1))
        images = (images.movedim(axis, -1) @ shifted.T).movedim(-1, axis)  # (N, ..., T, ...)
    return images


def similarity(prediction: Tensor, truth: Tensor, window: int, sigma: float) -> Tensor:
    """Compare luminance, contrast and structure around every voxel (Wang et al. 2004, Eq. 13), with gradients.

    Args:
        prediction: (N, *S), intensities from 0 to 1.
        truth: (N, *S).
        window: Length in voxels, odd, at most that of each axis.
        sigma: Standard deviation in voxels.

    Returns:
        (N, *T), where the window lies within the image; 1 where both are equal.

    Example:
        >>> image = torch.rand(1, 12, 12)
        >>> torch.allclose(similarity(image, image, 11, 1.5), torch.ones(1, 2, 2))
        True
    """
    seen = torch.cat([prediction, truth, prediction.square(), truth.square(), prediction * truth])  # (5N, *S)
    mean_p, mean_t, square_p, square_t, product = _window_means(seen, window, sigma).chunk(5)  # (N, *T)
    squares, c1, c2 = mean_p.square() + mean_t.square(), K1**2, K2**2
    luminance = (2 * mean_p * mean_t + c1) / (squares + c1)
    return luminance * (2 * (product - mean_p * mean_t) + c2) / (square_p + square_t - squares + c2)


@register("loss", "ssim")
class SSIM(Loss):
    """Average one minus the structural similarity (SSIM) over the targets that have a truth.

    Args:
        window: Length of the window in voxels, odd.
        sigma: Standard deviation of the window in voxels.

    Raises:
        ValueError: If the window is even or below 3, or, when called, longer than an image.

    Example:
        >>> SSIM(weight=10.0).weight
        10.0
    """

    whole_images = True

    def __init__(self, *, window: Count = 11, sigma: Positive = 1.5, weight: NotNegative = 1.0) -> None:
        super().__init__(weight=weight)
        if window < 3 or window % 2 == 0:
            raise ValueError(f"loss 'ssim': window {window}; it needs an odd number of voxels, 3 or more")
        self.window, self.sigma = window, sigma

    def forward(self, outcome: Outcome) -> Tensor:
        """Return a scalar; zero, with a gradient of zero, where nothing has a truth."""
        if not bool(outcome.mask.any()):
            return outcome.prediction.sum() * 0
        known, wanted = (chosen(images, outcome.mask) for images in (outcome.prediction, outcome.truth))  # (N, *S)
        if min(known.shape[1:]) < self.window:
            size = " x ".join(map(str, known.shape[1:]))
            raise ValueError(f"loss 'ssim': the window of {self.window} voxels does not fit into an image of {size}")
        with in_float32(known.device):  # a variance is a small difference of large numbers
            return 1 - similarity(known.float(), wanted.float(), self.window, self.sigma).mean()
