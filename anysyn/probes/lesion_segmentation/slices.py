"""Lesion slices: what a segmenter learns from, drawn so that half of a batch shows a lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from anysyn.probes.lesion_segmentation.unet import padded

HELD = 32  # slices of a subject with a lesion, and as many without, that are kept in memory


@dataclass(frozen=True)
class LesionSlices:
    """Slices of one subject that a segmenter learns from.

    Args:
        images: (N, M, H, W) float16.
        truth: (N, R, H, W) bool.
        lesion: How many of them, the first ones, show a lesion.
    """

    images: Tensor
    truth: Tensor
    lesion: int


def slices_of(images: Tensor, truth: Tensor, foreground: Tensor, generator: Generator) -> LesionSlices:
    """Draw the axial slices of a subject that are learned from: some with a lesion, as many without.

    Args:
        images: (M, X, Y, Z).
        truth: (R, X, Y, Z) bool.
        foreground: (X, Y, Z) bool; slices without it are left out.
        generator: Draws them.

    Example:
        >>> truth = torch.zeros(1, 2, 2, 5, dtype=torch.bool)
        >>> truth[..., 3] = True
        >>> drawn = slices_of(torch.rand(4, 2, 2, 5), truth, torch.ones(2, 2, 5) > 0, torch.Generator())
        >>> drawn.images.shape, drawn.lesion
        (torch.Size([5, 4, 2, 2]), 1)
    """
    shown = truth.any(0).any(0).any(0)  # (Z,)
    others = foreground.any(0).any(0) & ~shown  # (Z,)
    kept = [_some(places.nonzero().flatten(), generator) for places in (shown, others)]
    order = torch.cat(kept)  # (N,)
    return LesionSlices(
        images[..., order].permute(3, 0, 1, 2).half(),  # (N, M, H, W)
        truth[..., order].permute(3, 0, 1, 2),  # (N, R, H, W)
        len(kept[0]),
    )


def _some(places: Tensor, generator: Generator) -> Tensor:
    return places[torch.randperm(len(places), generator=generator)[:HELD]]


def draw(subjects: Sequence[LesionSlices], count: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Draw a batch: slices of any subjects, half of them with a lesion, mirrored left to right at random.

    Args:
        subjects: Where the slices come from.
        count: B slices.
        generator: Draws them.

    Returns:
        (B, M, H, W) and (B, R, H, W), both float32.
    """
    whole = [(slices, range(len(slices.images))) for slices in subjects if len(slices.images)]
    with_lesion = [(slices, range(slices.lesion)) for slices in subjects if slices.lesion]
    picked = [_pick(with_lesion if n % 2 == 0 else whole, generator) for n in range(count)]
    height, width = (max(image.shape[axis] for image, _ in picked) for axis in (1, 2))
    pairs = [tuple(padded(part.float()[None], (height, width))[0] for part in pair) for pair in picked]
    images, truth = (torch.stack(parts) for parts in zip(*pairs, strict=True))  # (B, M, H', W'), (B, R, H', W')
    mirrored = torch.rand(count, generator=generator) < 0.5  # (B,)
    return tuple(  # type: ignore[return-value]
        torch.where(mirrored.reshape(-1, 1, 1, 1), part.flip(2), part) for part in (images, truth)
    )


def _pick(groups: Sequence[tuple[LesionSlices, range]], generator: Generator) -> tuple[Tensor, Tensor]:
    slices, places = groups[int(torch.randint(len(groups), (), generator=generator))]
    place = places[int(torch.randint(len(places), (), generator=generator))]
    return slices.images[place], slices.truth[place]
