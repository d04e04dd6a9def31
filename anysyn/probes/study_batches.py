"""Tiles: a prepared study, piece by piece, with all of its modalities, for what looks at images one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from anysyn.data.geometry.boxes import Box
from anysyn.data.views import View
from anysyn.data.volumes.study import Study
from anysyn.types import Batch

ENOUGH = 0.05  # foreground as a share of the fullest tile's; the same for all runs, so that they see the same slices


def full_tiles(study: Study, view: View) -> list[Box]:
    """List the slices, slabs or blocks of a study that hold enough foreground to be told apart; none overlap.

    Args:
        study: Its foreground decides.
        view: What a tile is.

    Example:
        >>> import numpy as np
        >>> from anysyn.data.views import Slices
        >>> image = torch.ones(5, 5, 4)
        >>> image[:, 1:, 3] = image[1:, :, 3] = 0  # one voxel is left of 25
        >>> study = Study("sub-01", "", {"T1w": image}, np.eye(4), image > 0)
        >>> [box.start[2] for box in full_tiles(study, Slices())]
        [0, 1, 2]
    """
    tiles = view.tiles(study.foreground, overlap=0.0)
    held = [int(study.foreground[box.inside(study.grid.shape)].sum()) for box in tiles]
    return [box for box, count in zip(tiles, held, strict=True) if count >= ENOUGH * max(held)]


def batches_of(
    study: Study,
    boxes: Sequence[Box],
    *,
    view: View,
    modalities: Sequence[str],
    size: int,
    told: Tensor | None = None,
) -> Iterator[Batch]:
    """Cut boxes out of a study, a few at a time.

    Args:
        study: Prepared images on one grid.
        boxes: Of equal size.
        view: How a network sees a box.
        modalities: Names in the order of the recipe; one that the study lacks is zero and counts as absent.
        size: Boxes at once: what bounds the memory.
        told: What a network is told of the dataset, as `LoadedRun.told_of` returns it; the first by default.

    Example:
        >>> import numpy as np
        >>> from anysyn.data.views import Slices
        >>> image, view = torch.ones(4, 5, 3), Slices()
        >>> study = Study("sub-01", "", {"T1w": image}, np.eye(4), image > 0)
        >>> found = batches_of(study, full_tiles(study, view), view=view, modalities=["T1w", "T2w"], size=2)
        >>> [(tuple(batch.images.shape), batch.available[0].tolist()) for batch in found]
        [((2, 2, 4, 5), [True, False]), ((1, 2, 4, 5), [True, False])]
    """
    held = [name in study.images for name in modalities]
    blank = torch.zeros(study.grid.shape)
    whole = torch.stack([study.images.get(name, blank) for name in modalities])  # (M, X, Y, Z)
    air = torch.tensor([study.air(name) if has else 0.0 for name, has in zip(modalities, held, strict=True)])  # (M,)
    spacing = torch.tensor([study.grid.spacing[axis] for axis in view.spatial])  # (dims,)
    records = tuple(study.acquisition(name) for name in modalities)
    number = torch.zeros(1, dtype=torch.int64) if told is None else told  # (1,) or (1, N)
    for first in range(0, len(boxes), size):
        some = boxes[first : first + size]
        count = len(some)
        yield Batch(
            images=torch.stack([view.take(whole, box, air) for box in some]),  # (B, M, *S)
            available=torch.tensor([held] * count),
            dataset=number.expand(count, *number.shape[1:]),
            spacing=spacing.expand(count, -1),
            acquisitions=(records,) * count,
            keys=tuple(f"{study.key} {box.start}" for box in some),
        )
