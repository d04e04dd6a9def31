"""Decoders that make their images on the grid of the input."""

from __future__ import annotations

from torch import Tensor

from anysyn.ops import pick
from anysyn.points import Places, sample_at
from anysyn.types import Decoder, Features, Modulate, unmodulated


class GridDecoder(Decoder):
    """Decode on the grid of the input, whatever is asked; elsewhere is interpolated from there.

    One of this kind says by `images` how. It makes one image, whose target conditioners alone tell, or with
    ``every_target`` a canvas of all modalities, from which the targets are taken. ``depth`` is how many slices a slab
    has, 1 where there is none; they come out as channels.

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
        """Make the images from the features: (B, M or 1 times depth, *S without the slab's axis)."""
        raise NotImplementedError

    def forward(
        self, features: Features, targets: Tensor, modulate: Modulate = unmodulated, places: Places | None = None
    ) -> Tensor:
        """Decode the targets.

        Args:
            features: What the encoder answered.
            targets: (B, K) int64; K is 1 unless one call answers every target.
            modulate: What acts at the sites.
            places: Where to answer; None for the grid of the input.

        Returns:
            (B, K, *S); (B, K, Q) at points, (B, K, *N) on a lattice.
        """
        images = self.images(features, modulate)  # (B, M or 1 times depth, *S without the slab's axis)
        if self.depth > 1:
            images = images.reshape(len(images), -1, self.depth, *images.shape[2:])  # (B, M or 1, *S)
        if self.every_target:
            images = pick(images, targets)  # (B, K, *S)
        return images if places is None else sample_at(images, places)  # (B, K, Q) or (B, K, *N)
