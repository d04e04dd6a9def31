"""A discriminator for each modality, and discriminators as parts of a recipe."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from anysyn.nn.subnetworks import copies
from anysyn.ops import beside, rejoin, rows_by_value
from anysyn.registry import Given, register
from anysyn.types import Discriminator


@register("discriminator", "per_modality")
class PerModalityDiscriminator(Discriminator):
    """A discriminator of the same design for each modality.

    Args:
        names: The modalities of the recipe.
        of: The design; each modality draws its own weights.

    Example:
        >>> import torch
        >>> from anysyn.discriminators import PatchGAN
        >>> judges = PerModalityDiscriminator(names=("T1w", "T2w"), of=PatchGAN(dimensions=2, width=4, layers=1))
        >>> judges(torch.rand(3, 1, 16, 16), torch.tensor([1, 0, 1])).shape
        torch.Size([3, 1, 6, 6])
    """

    def __init__(self, *, names: Given[Sequence[str]], of: Discriminator) -> None:
        super().__init__()
        self.discriminators, self.beside = copies(of, names), of.beside

    def forward(self, images: Tensor, modalities: Tensor) -> Tensor:
        """Score images of any modalities, each by the discriminator of its own.

        Args:
            images: (N, 1 + beside, *S), at least one.
            modalities: (N,) int64.

        Returns:
            (N, 1, *T), a score for each patch.
        """
        own = list(self.discriminators.values())
        groups = rows_by_value(modalities)
        scores = [
            own[number](images[beside(rows, images)], modalities[rows])  # (R, 1, *T)
            for number, rows in groups
        ]
        return rejoin(scores, [rows for _, rows in groups])  # (N, 1, *T)


@register("part", "discriminator")
def discriminator(*, of: Discriminator) -> Discriminator:
    """Make a discriminator a part of the recipe, which losses and objectives can share.

    Args:
        of: The discriminator.

    Example:
        >>> from anysyn.discriminators import PatchGAN
        >>> type(discriminator(of=PatchGAN(dimensions=2, width=4))).__name__
        'PatchGAN'
    """
    return of
