"""Maps that follow from one image or one mask."""

from __future__ import annotations

import torch
from scipy import ndimage
from torch import Tensor

FAR = 10.0  # voxels; deeper is no different


def gradient_magnitude(image: Tensor) -> Tensor:
    """Return the length of the gradient by central differences, an intensity a voxel: (X, Y, Z).

    Example:
        >>> ramp = 3.0 * torch.arange(4.0).reshape(4, 1, 1).expand(4, 4, 4)
        >>> gradient_magnitude(ramp).unique().tolist()
        [3.0]
    """
    parts = torch.gradient(image, dim=[axis for axis in range(3) if image.shape[axis] > 1])
    return torch.stack(parts).square().sum(0).sqrt()  # (X, Y, Z)


def local_mean(image: Tensor, mask: Tensor, size: int = 5) -> Tensor:
    """Return the mean over the voxels of a mask in a cube about each voxel: (X, Y, Z); 0 where there is none.

    Example:
        >>> mask = torch.tensor([True, True, False]).reshape(3, 1, 1)
        >>> local_mean(torch.tensor([1.0, 3.0, 9.0]).reshape(3, 1, 1), mask, size=3).flatten().tolist()
        [2.0, 2.0, 3.0]
    """
    inside = mask.to(image.dtype).numpy()
    total, count = (
        ndimage.uniform_filter(each, size, mode="constant", cval=0.0) for each in (image.numpy() * inside, inside)
    )
    return torch.from_numpy(total / count.clip(1e-6))


def depth_below_border(mask: Tensor) -> Tensor:
    """Return the distance of each voxel of a mask to what is outside, in voxels, at most `FAR`: (X, Y, Z).

    Example:
        >>> depth_below_border(torch.ones(3, 3, 3, dtype=torch.bool))[1, 1].tolist()
        [1.0, 2.0, 1.0]
    """
    padded = ndimage.distance_transform_edt(torch.nn.functional.pad(mask, [1] * 6).numpy())
    return torch.from_numpy(padded[1:-1, 1:-1, 1:-1]).float().clamp(max=FAR)
