"""Changes of the place: all modalities of a sample alike."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from anysyn.bounds import NotNegative, Share, WholeNumber
from anysyn.data.augment.augmentation import Augmentation
from anysyn.ops import spread
from anysyn.registry import register


@register("augment", "flip")
class Flip(Augmentation):
    """Mirroring of left and right, the same for all modalities of a sample; sagittal slices stay as they are.

    Args:
        probability: Of a sample to be mirrored.

    Example:
        >>> images = torch.arange(3.0).reshape(1, 1, 3, 1)
        >>> Flip(probability=1)(images, (0, 1), torch.Generator()).flatten().tolist()
        [2.0, 1.0, 0.0]
    """

    def __init__(self, *, probability: Share = 0.5) -> None:
        if not 0 <= probability <= 1:
            raise ValueError(f"augment.probability: {probability} is not from 0 to 1")
        self.probability = probability

    def __call__(self, images: Tensor, axes: Sequence[int], generator: Generator) -> Tensor:
        """Return mirrored and unmirrored samples."""
        if 0 not in axes:
            return images
        chosen = torch.rand(len(images), generator=generator) < self.probability  # (B,)
        return torch.where(spread(chosen, images), images.flip(2 + list(axes).index(0)), images)  # (B, M, *S)


@register("augment", "shift")
class Shift(Augmentation):
    """Translation by whole voxels, the same for all modalities of a sample; the border is repeated.

    Nothing is interpolated, so that noise and fine vessels stay sharp.

    Args:
        most: Largest translation along each axis, in voxels, to either side.

    Example:
        >>> images = torch.arange(4.0).reshape(1, 1, 4, 1)
        >>> Shift(most=2)(images, (0, 1), torch.Generator().manual_seed(1)).flatten().tolist()
        [2.0, 3.0, 3.0, 3.0]
    """

    def __init__(self, *, most: WholeNumber = 4) -> None:
        if most < 0:
            raise ValueError(f"augment.most: {most} voxels is below 0")
        self.most = most

    def __call__(self, images: Tensor, axes: Sequence[int], generator: Generator) -> Tensor:
        """Return translated samples."""
        steps = torch.randint(-self.most, self.most + 1, (len(images), images.ndim - 2), generator=generator)  # (B, d)
        pairs = zip(images, steps.tolist(), strict=True)
        return torch.stack([translated(image, step) for image, step in pairs])  # (B, M, *S)


@register("augment", "turn")
class Turn(Augmentation):
    """Rotation and zoom in the plane of a sample's last two axes, the same for all modalities of a sample; air is 0.

    Of volumes, the other axis stays as it is.

    Args:
        degrees: Largest angle, to either side.
        zoom: Largest zoom as a share of the size, to either side.

    Example:
        >>> images = torch.rand(2, 1, 9, 9)
        >>> torch.allclose(Turn(degrees=0, zoom=0)(images, (0, 1), torch.Generator()), images, atol=1e-5)
        True
    """

    def __init__(self, *, degrees: NotNegative = 10.0, zoom: Share = 0.1) -> None:
        if degrees < 0 or not 0 <= zoom < 1:
            raise ValueError(f"augment: degrees {degrees} and zoom {zoom}: at least 0, and from 0 to below 1")
        self.degrees, self.zoom = degrees, zoom

    def __call__(self, images: Tensor, axes: Sequence[int], generator: Generator) -> Tensor:
        """Return turned and zoomed samples."""
        angle, zoom = (2 * torch.rand(2, len(images), generator=generator) - 1).unbind()  # (B,), (B,)
        pieces = zip(
            images, (angle * math.radians(self.degrees)).tolist(), (1 + zoom * self.zoom).tolist(), strict=True
        )
        return torch.stack([turned(image, angle, factor) for image, angle, factor in pieces])  # (B, M, *S)


def turned(image: Tensor, angle: float, zoom: float) -> Tensor:
    """Turn an image (M, *S) about its centre in the plane of its last two axes and enlarge it; beyond it is air, 0.

    Args:
        image: (M, *S).
        angle: In radians.
        zoom: Above 1 enlarges.

    Example:
        >>> turned(torch.eye(3).unsqueeze(0), math.pi / 2, 1.0)[0].round().tolist()
        [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    height, width = image.shape[-2:]
    cosine, sine = math.cos(angle) / zoom, math.sin(angle) / zoom
    matrix = torch.tensor([[cosine, -sine * height / width, 0], [sine * width / height, cosine, 0]]).unsqueeze(0)
    planes = image.reshape(1, -1, height, width)  # (1, M ..., h, w)
    places = F.affine_grid(matrix, list(planes.shape), align_corners=False)  # (1, h, w, 2)
    return F.grid_sample(planes, places, align_corners=False).reshape(image.shape)  # (M, *S)


def translated(image: Tensor, steps: Sequence[int]) -> Tensor:
    """Translate an image (M, *S) by whole voxels towards higher indices along each axis of *S, repeating its border.

    Example:
        >>> translated(torch.tensor([[1, 2, 3]]), [1]).tolist()
        [[1, 1, 2]]
    """
    for axis, step in enumerate(steps, 1):
        length = image.shape[axis]
        image = image.index_select(axis, (torch.arange(length, device=image.device) - step).clamp(0, length - 1))
    return image  # (M, *S)
