"""Feature pyramids: the outputs of a row of blocks, of which all but the deepest are skips."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import Tensor, nn

from anysyn.types import Features, Modulate, Site


def pyramid_sites(widths: Sequence[int], inward: Sequence[int], *, first: int = 0) -> list[Site]:
    """List the sites of a feature pyramid.

    Args:
        widths: Output channels of each level, finest first.
        inward: Input channels of each block with a site in front of it.
        first: Number of the first block with a site.

    Example:
        >>> [site.name for site in pyramid_sites((8, 16), (8,), first=1)]
        ['encoder/block1', 'encoder/skip0', 'encoder/out']
    """
    return [
        *(Site(f"encoder/block{i}", channels) for i, channels in enumerate(inward, first)),
        *(Site(f"encoder/skip{i}", channels, f"skip{i}") for i, channels in enumerate(widths[:-1])),
        Site("encoder/out", widths[-1], "deep"),
    ]


def pyramid(blocks: nn.ModuleList, x: Tensor, modulate: Modulate, *, first: int = 0) -> Features:
    """Apply a row of blocks and return the output of each as a level.

    Args:
        blocks: One for each level, finest first.
        x: (B, C, *S), the input of the first block.
        modulate: Applied at the sites of `pyramid_sites`.
        first: Number of the first block with a site: 1 if block 0 reads the images.

    Returns:
        Skips (B, C_i, *S / stride_i), finest first, and the deepest features.

    Example:
        >>> import torch
        >>> from anysyn.types import unmodulated
        >>> halving = nn.ModuleList([nn.Identity(), nn.AvgPool2d(2)])
        >>> features = pyramid(halving, torch.rand(1, 3, 8, 8), unmodulated)
        >>> [skip.shape[-1] for skip in features.skips], features.deep.shape[-1]
        ([8], 4)
    """
    levels: list[Tensor] = []
    for i, block in enumerate(blocks):
        x = block(modulate(f"encoder/block{i}", x) if i >= first else x)  # (B, C_i, *S / stride_i)
        levels.append(x)
    return modulated_levels(levels, modulate)


def modulated_levels(levels: Iterable[Tensor], modulate: Modulate) -> Features:
    """Modulate levels at the sites of the skips and of the deepest features.

    Args:
        levels: (B, C_i, *S / stride_i), finest first.
        modulate: Applied at the sites.

    Example:
        >>> import torch
        >>> features = modulated_levels([torch.zeros(1, 2, 8, 8), torch.zeros(1, 4, 4, 4)], lambda site, x: x + 1)
        >>> [float(x.mean()) for x in (*features.skips, features.deep)]
        [1.0, 1.0]
    """
    *skips, deep = levels
    modulated = tuple(modulate(f"encoder/skip{i}", skip) for i, skip in enumerate(skips))
    return Features(modulated, modulate("encoder/out", deep))
