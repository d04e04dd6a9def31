"""What a discriminator sees of the sources beside the image that it scores."""

from __future__ import annotations

from anysyn.types import Beside


def channels_seen(beside: Beside, *, modalities: int, sources: int, depth: int) -> int:
    """Count the input channels of a discriminator.

    Args:
        beside: ``nothing``, the ``stack`` of the sources, or the ``canvas`` of all modalities.
        modalities: How many modalities the recipe has.
        sources: Sources of a query, read by ``stack`` alone.
        depth: Slices of a slab; they become channels.

    Example:
        >>> [channels_seen(what, modalities=4, sources=1, depth=3) for what in ("nothing", "stack", "canvas")]
        [3, 6, 15]
    """
    return depth * (1 + {"nothing": 0, "stack": sources, "canvas": modalities}[beside])
