"""A discriminator of patches."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from anysyn.bounds import Count, Halvings
from anysyn.nn.blocks import Norm, norm
from anysyn.registry import Given, register
from anysyn.types import Beside, Discriminator


@register("discriminator", "patchgan")
class PatchGAN(Discriminator):
    """PatchGAN: scores overlapping patches, of 70 x 70 voxels by default (Isola et al., pix2pix, CVPR 2017).

    Convolutions of kernel 4, each with a norm and a leaky ReLU: ``layers`` of stride 2, which double the channels up to
    eight times the first, and one of stride 1; then one to a score. The first has no norm. With the two input channels
    and the batch norm of pix2pix it has 2,764,609 parameters.

    Args:
        dimensions: Voxel axes of the network, 2 or 3.
        modalities: Number of modalities in the recipe.
        depth: Slices of a slab, which become channels.
        width: Channels of the first layer.
        layers: Layers of stride 2: with 1, 2 or 3 a patch has 16, 34 or 70 voxels a side.
        norm: Normalisation between the layers.
        beside: Sources that it also reads: ``nothing``, the ``stack`` of them in the order of the query, or the
            ``canvas`` of all modalities, zero if not a source.
        sources: Number of sources of a query, for ``stack``.

    Raises:
        ValueError: If ``layers`` is below 1.

    Example:
        >>> import torch
        >>> PatchGAN(dimensions=2, width=4)(torch.rand(3, 1, 64, 64), torch.zeros(3)).shape
        torch.Size([3, 1, 6, 6])
    """

    def __init__(
        self,
        *,
        dimensions: Given[int],
        modalities: Given[int] = 1,
        depth: Given[int] = 1,
        width: Count = 64,
        layers: Halvings = 3,
        norm: Norm = "instance",
        beside: Beside = "nothing",
        sources: Count = 1,
    ) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"layers: {layers} is not at least 1")
        self.depth, self.least, self.beside = depth, 3 * 2**layers, beside
        channels = input_channels(beside, modalities, sources, depth)
        widths = [width * min(2**i, 8) for i in range(layers + 1)]
        steps = [2] * (layers - 1) + [1]
        self.network = nn.Sequential(
            _layer(dimensions, channels, width, 2, "none"),
            *(_layer(dimensions, a, b, step, norm) for (a, b), step in zip(pairwise(widths), steps, strict=True)),
            _conv(dimensions, widths[-1], 1, 1),
        )

    def forward(self, images: Tensor, modalities: Tensor) -> Tensor:
        """Score images, whatever their modality.

        Args:
            images: (N, 1 + beside, *S), each with its sources; for slabs *S is depth, height, width.
            modalities: (N,) int64, not used.

        Returns:
            (N, 1, *T), a score for each patch.

        Raises:
            ValueError: If the images are too small for the layers.
        """
        channels = images.flatten(1, 2) if self.depth > 1 else images  # (N, channels, *S without the slab's axis)
        sides = channels.shape[2:]
        if min(sides) < self.least:
            size = " x ".join(map(str, sides))
            raise ValueError(
                f"discriminator patchgan needs images of {self.least} voxels a side, not {size}; take fewer layers"
            )
        scores: Tensor = self.network(channels)  # (N, 1, *T)
        return scores


def input_channels(beside: Beside, modalities: int, sources: int, depth: int) -> int:
    """Count the input channels: the slices of the image to score and, if the recipe says so, of its sources.

    Example:
        >>> [input_channels(beside, 4, 1, 3) for beside in ("nothing", "stack", "canvas")]
        [3, 6, 15]
    """
    return depth * (1 + {"nothing": 0, "stack": sources, "canvas": modalities}[beside])


def _layer(dimensions: int, inputs: int, outputs: int, stride: int, kind: Norm) -> nn.Sequential:
    convolved = _conv(dimensions, inputs, outputs, stride, bias=kind == "none")
    return nn.Sequential(convolved, norm(kind, dimensions, outputs), nn.LeakyReLU(0.2))


def _conv(dimensions: int, inputs: int, outputs: int, stride: int, *, bias: bool = True) -> nn.Module:
    layer = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
    return layer(inputs, outputs, 4, stride=stride, padding=1, bias=bias)
