"""Decoders that compute their images on the grid of the input."""

from __future__ import annotations

from torch import Tensor

from anysyn.ops import pick
from anysyn.points import Places, sample_at
from anysyn.types import Decoder, Features, Modulate, unmodulated


class GridDecoder(Decoder):
    """Decoder on the grid of the input; values at other points are interpolated. A subclass implements `images`.

    It computes one image, whose target it knows through conditioners alone, or with ``every_target`` a canvas of all
    modalities, from which the targets are taken. The build supplies the constructors with some of these:

    - ``widths`` and ``strides``: channels and strides of the encoder's levels, finest first; each stride divides the
      next.
    - ``dimensions``: voxel axes of the network, 2 or 3.
    - ``modalities``: number of modalities in the recipe.
    - ``depth``: slices of a slab, which are output channels; 1 for slices and patches.

    Example:
        >>> import torch
        >>> class Canvas(GridDecoder):
        ...     depth, every_target = 3, True
        ...     def images(self, features, modulate):
        ...         return features.deep
        >>> features = Features((), torch.rand(2, 4 * 3, 5, 7))  # four modalities, slabs of three slices
        >>> Canvas()(features, torch.tensor([[1, 3]] * 2)).shape
        torch.Size([2, 2, 3, 5, 7])
    """

    depth: int = 1

    def images(self, features: Features, modulate: Modulate) -> Tensor:
        """Decode the features to images: (B, M or 1 times depth, *S without the slab's axis)."""
        raise NotImplementedError

    def forward(
        self, features: Features, targets: Tensor, modulate: Modulate = unmodulated, places: Places | None = None
    ) -> Tensor:
        """Decode the targets.

        Args:
            features: The encoder's output.
            targets: (B, K) int64; K is 1 unless one call decodes every target.
            modulate: Applied at the sites.
            places: Points or a lattice; None for the grid of the input.

        Returns:
            (B, K, *S); (B, K, Q) at points, (B, K, *N) on a lattice.
        """
        images = self.images(features, modulate)  # (B, M or 1 times depth, *S without the slab's axis)
        if self.depth > 1:
            images = images.reshape(len(images), -1, self.depth, *images.shape[2:])  # (B, M or 1, *S)
        if self.every_target:
            images = pick(images, targets)  # (B, K, *S)
        return images if places is None else sample_at(images, places)  # (B, K, Q) or (B, K, *N)
