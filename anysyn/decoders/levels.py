"""The sites of a decoder that reads every level of the encoder, from the deepest to the finest."""

from __future__ import annotations

from collections.abc import Sequence

from anysyn.types import Site


def level_sites(widths: Sequence[int], inward: Sequence[int]) -> list[Site]:
    """List the sites of a decoder that reads every level of the encoder.

    Args:
        widths: Channels of the encoder's levels, finest first.
        inward: Input channels of each block of the decoder, in order.

    Example:
        >>> [site.name for site in level_sites((8, 16), (24,))]
        ['decoder/in', 'decoder/skip0', 'decoder/block0']
    """
    return [
        Site("decoder/in", widths[-1], "deep"),
        *(Site(f"decoder/skip{i}", channels, f"skip{i}") for i, channels in enumerate(widths[:-1])),
        *(Site(f"decoder/block{n}", channels) for n, channels in enumerate(inward)),
    ]
