"""A residual network of the library timm that scores whole images."""

from __future__ import annotations

from torch import Tensor

from anysyn.bounds import Count
from anysyn.discriminators.patchgan import input_channels
from anysyn.errors import RecipeError
from anysyn.nn.backbones import classifier
from anysyn.registry import Given, register
from anysyn.types import Beside, Discriminator


@register("discriminator", "resnet")
class ResNetDiscriminator(Discriminator):
    """ResNet of timm that scores whole slices or slabs.

    The "ResNet-based discriminator" of OmniSyn, Table 2, whose 21.8 million parameters are those of a ResNet-34 with
    its head of 1000 classes left on: 21,797,672 for three channels, 21,791,400 for one. With several outputs their mean
    is the score.

    Args:
        dimensions: Voxel axes of the network, which must be 2.
        modalities: Number of modalities in the recipe.
        depth: Slices of a slab, which become channels.
        backbone: Name of any classifier of timm.
        outputs: Outputs of the head, averaged to the score.
        beside: Sources that it also reads: ``nothing``, the ``stack`` of them in the order of the query, or the
            ``canvas`` of all modalities, zero if not a source.
        sources: Number of sources of a query, for ``stack``.

    Raises:
        RecipeError: If the network has three voxel axes, or timm has no such backbone.

    Example:
        >>> import torch
        >>> ResNetDiscriminator(dimensions=2, backbone="test_resnet")(torch.rand(3, 1, 64, 64), torch.zeros(3)).shape
        torch.Size([3, 1, 1, 1])
    """

    def __init__(
        self,
        *,
        dimensions: Given[int],
        modalities: Given[int] = 1,
        depth: Given[int] = 1,
        backbone: str = "resnet34",
        outputs: Count = 1,
        beside: Beside = "nothing",
        sources: Count = 1,
    ) -> None:
        super().__init__()
        if dimensions != 2:
            raise RecipeError(
                "discriminator resnet sees slices and slabs, not patches with three axes; take {name: patchgan}"
            )
        self.depth, self.beside = depth, beside
        self.network = classifier(backbone, input_channels(beside, modalities, sources, depth), outputs)

    def forward(self, images: Tensor, modalities: Tensor) -> Tensor:
        """Score images as `PatchGAN.forward` does, but each as a whole: (N, 1, 1, 1)."""
        channels = images.flatten(1, 2) if self.depth > 1 else images  # (N, channels, H, W)
        scores: Tensor = self.network(channels).mean(1)  # (N,)
        return scores.reshape(-1, 1, 1, 1)  # (N, 1, 1, 1)
