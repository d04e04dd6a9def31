"""Discriminators: how real an image looks, patch by patch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from anysyn.nn.blocks import Norm, norm
from anysyn.nn.subnetworks import copies
from anysyn.ops import rejoin, rows_by_value
from anysyn.registry import Given, register
from anysyn.types import Discriminator


@register("discriminator", "patchgan")
class PatchGAN(Discriminator):
    """Score overlapping patches, of 70 x 70 by default (Isola et al., pix2pix, CVPR 2017).

    Convolutions of kernel 4, each with its norm and a leaky ReLU: ``layers`` of stride 2, which double the channels up
    to eight times the first, and one of stride 1; then one to a score. The first has no norm. With the two input
    channels and the batch norm of pix2pix it has 2,764,609 parameters.

    Args:
        dimensions: Voxel axes of the network, 2 or 3.
        depth: Slices of a slab; they become channels.
        width: Channels of the first layer.
        layers: Layers of stride 2: with 1, 2 or 3 a patch has 16, 34 or 70 voxels a side.
        norm: Normalisation between the layers.

    Example:
        >>> import torch
        >>> PatchGAN(dimensions=2, width=4)(torch.rand(3, 1, 64, 64), torch.zeros(3)).shape
        torch.Size([3, 1, 6, 6])
    """

    def __init__(
        self,
        *,
        dimensions: Given[int],
        depth: Given[int] = 1,
        width: int = 64,
        layers: int = 3,
        norm: Norm = "instance",
    ) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"layers: {layers} is not at least 1")
        self.depth, self.least = depth, 3 * 2**layers
        widths = [width * min(2**i, 8) for i in range(layers + 1)]
        steps = [2] * (layers - 1) + [1]
        self.network = nn.Sequential(
            _layer(dimensions, depth, width, 2, "none"),
            *(_layer(dimensions, a, b, step, norm) for (a, b), step in zip(pairwise(widths), steps, strict=True)),
            _conv(dimensions, widths[-1], 1, 1),
        )

    def forward(self, images: Tensor, modalities: Tensor) -> Tensor:
        """Score images, whatever their modality.

        Args:
            images: (N, 1, *S); for slabs *S is depth, height, width.
            modalities: (N,) int64, not read.

        Returns:
            (N, 1, *T), a score for each patch.

        Raises:
            ValueError: If the images are too small for the layers.
        """
        seen = images.squeeze(1) if self.depth > 1 else images  # (N, channels, *S without the slab's axis)
        sides = seen.shape[2:]
        if min(sides) < self.least:
            size = " x ".join(map(str, sides))
            raise ValueError(
                f"discriminator patchgan needs images of {self.least} voxels a side, not {size}; take fewer layers"
            )
        scores: Tensor = self.network(seen)  # (N, 1, *T)
        return scores


def _layer(dimensions: int, inputs: int, outputs: int, stride: int, kind: Norm) -> nn.Sequential:
    convolved = _conv(dimensions, inputs, outputs, stride, bias=kind == "none")
    return nn.Sequential(convolved, norm(kind, dimensions, outputs), nn.LeakyReLU(0.2))


def _conv(dimensions: int, inputs: int, outputs: int, stride: int, *, bias: bool = True) -> nn.Module:
    layer = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
    return layer(inputs, outputs, 4, stride=stride, padding=1, bias=bias)


@register("discriminator", "per_modality")
class PerModalityDiscriminator(Discriminator):
    """Score each image by the discriminator of its modality: one of the same design for each.

    Args:
        names: The modalities of the recipe.
        of: The design; each modality draws weights of its own.

    Example:
        >>> import torch
        >>> judges = PerModalityDiscriminator(names=("T1w", "T2w"), of=PatchGAN(dimensions=2, width=4, layers=1))
        >>> judges(torch.rand(3, 1, 16, 16), torch.tensor([1, 0, 1])).shape
        torch.Size([3, 1, 6, 6])
    """

    def __init__(self, *, names: Given[Sequence[str]], of: Discriminator) -> None:
        super().__init__()
        self.discriminators = copies(of, names)

    def forward(self, images: Tensor, modalities: Tensor) -> Tensor:
        """Score images of any modalities; the discriminators of the others are not touched.

        Args:
            images: (N, 1, *S), at least one.
            modalities: (N,) int64.

        Returns:
            (N, 1, *T), a score for each patch.
        """
        own = list(self.discriminators.values())
        groups = rows_by_value(modalities)
        scores = [own[number](images[rows], modalities[rows]) for number, rows in groups]  # (R, 1, *T) each
        return rejoin(scores, [rows for _, rows in groups])  # (N, 1, *T)


@register("part", "discriminator")
def discriminator(*, of: Discriminator) -> Discriminator:
    """Make a discriminator a part of the recipe, so that losses and objectives can share it.

    Args:
        of: The discriminator.

    Example:
        >>> type(discriminator(of=PatchGAN(dimensions=2, width=4))).__name__
        'PatchGAN'
    """
    return of
