"""Input channels of a discriminator: the image that it scores and, if the recipe says so, the sources."""

from __future__ import annotations

from anysyn.types import Beside


def input_channels(beside: Beside, *, modalities: int, sources: int, depth: int) -> int:
    """Count the input channels of a discriminator.

    Args:
        beside: ``nothing``, the ``stack`` of the sources, or the ``canvas`` of all modalities.
        modalities: Number of modalities in the recipe.
        sources: Number of sources of a query, for ``stack``.
        depth: Slices of a slab, which become channels.

    Example:
        >>> [input_channels(beside, modalities=4, sources=1, depth=3) for beside in ("nothing", "stack", "canvas")]
        [3, 6, 15]
    """
    return depth * (1 + {"nothing": 0, "stack": sources, "canvas": modalities}[beside])
