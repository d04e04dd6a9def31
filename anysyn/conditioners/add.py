"""Add a projection of the target's code to the features."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from anysyn.bounds import Count
from anysyn.conditioners.conditioner import Conditioner
from anysyn.nn.blocks import conv
from anysyn.ops import spread
from anysyn.registry import Given, register
from anysyn.types import Condition, Descriptor, Site


@register("conditioner", "add")
class Add(Conditioner):
    """Add a projection of the target's code, spread over the voxels.

    Because ``conv([x ; m]) = conv_x(x) + conv_m(m)``, this equals concatenating constant maps in front of the layer
    that ends at the site. At ``decoder/in`` it is the label embedding of OmniSyn, at ``encoder/stem`` the label maps of
    StarGAN.

    Args:
        dimensions: Voxel axes of the features, 2 or 3.
        kernel: Odd kernel length; above 1 the features feel where the image ends.

    Example:
        >>> import torch
        >>> from anysyn.descriptors import ModalityLabel
        >>> add = Add(sites=[Site("decoder/in", 8)], reads=ModalityLabel(modalities=4), dimensions=2)
        >>> label = Condition(torch.zeros(1, 1, 32), torch.ones(1, 1, 32))
        >>> add(torch.zeros(1, 8, 5, 5), label, "decoder/in").shape
        torch.Size([1, 8, 5, 5])
    """

    def __init__(
        self, *, sites: Given[Sequence[Site]], reads: Descriptor, dimensions: Given[int], kernel: Count = 1
    ) -> None:
        super().__init__(sites=sites, reads=reads)
        self.maps = self.per_site(lambda site: _projection(dimensions, reads.width, site.channels, kernel))

    def forward(self, features: Tensor, condition: Condition, site: str) -> Tensor:
        """Return ``features + W code``: (B, C, *S) to (B, C, *S)."""
        code = self.tokens(condition, site).mean(1)  # (B, D)
        projection = self.at(self.maps, site)
        if isinstance(projection, nn.Linear):
            return features + spread(projection(code), features)
        maps = spread(code, features).expand(*code.shape, *features.shape[2:])  # (B, D, *S)
        shift: Tensor = projection(maps)  # (B, C, *S)
        return features + shift


def _projection(dimensions: int, width: int, channels: int, kernel: int) -> nn.Module:
    # A constant map under a kernel of one voxel is one vector: no need to lay it out over the voxels.
    if kernel == 1:
        return nn.Linear(width, channels, bias=False)
    return conv(dimensions, width, channels, kernel, bias=False)
