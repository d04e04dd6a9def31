"""Batches of a prepared study's slices, slabs or blocks, for models that look at images one at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from anysyn.data.geometry.boxes import Box
from anysyn.data.loading.study_batch import batch_of
from anysyn.data.views import View
from anysyn.data.volumes.study import Study
from anysyn.types import Batch

ENOUGH = 0.05  # foreground as a share of the fullest tile's; the same for all runs, so that they see the same slices


def full_tiles(study: Study, view: View) -> list[Box]:
    """List the slices, slabs or patches of a study with enough foreground to be distinguishable; none overlap.

    Args:
        study: Its foreground decides.
        view: What a tile is.

    Example:
        >>> import numpy as np, torch
        >>> from anysyn.data.views import Slices
        >>> image = torch.ones(5, 5, 4)
        >>> image[:, 1:, 3] = image[1:, :, 3] = 0  # one voxel is left of 25
        >>> study = Study("sub-01", "", {"T1w": image}, np.eye(4), image > 0)
        >>> [box.start[2] for box in full_tiles(study, Slices())]
        [0, 1, 2]
    """
    tiles = view.tiles(study.foreground, overlap=0.0)
    counts = [int(study.foreground[box.inside(study.grid.shape)].sum()) for box in tiles]
    return [box for box, count in zip(tiles, counts, strict=True) if count >= ENOUGH * max(counts)]


def batches_of(
    study: Study,
    boxes: Sequence[Box],
    *,
    view: View,
    modalities: Sequence[str],
    size: int,
    dataset: Tensor | None = None,
) -> Iterator[Batch]:
    """Cut boxes out of a study, a few at a time.

    Args:
        study: Prepared images on one grid.
        boxes: Of equal size.
        view: How a network sees a box.
        modalities: Names in the order of the recipe; one that the study lacks is zero and counts as absent.
        size: Boxes at once, which bounds the memory.
        dataset: (1, N) mixing weights, as `LoadedRun.dataset_weights` returns them; one dataset by default.

    Example:
        >>> import numpy as np, torch
        >>> from anysyn.data.views import Slices
        >>> image, view = torch.ones(4, 5, 3), Slices()
        >>> study = Study("sub-01", "", {"T1w": image}, np.eye(4), image > 0)
        >>> batches = batches_of(study, full_tiles(study, view), view=view, modalities=["T1w", "T2w"], size=2)
        >>> [(tuple(batch.images.shape), batch.available[0].tolist()) for batch in batches]
        [((2, 2, 4, 5), [True, False]), ((1, 2, 4, 5), [True, False])]
    """
    for first in range(0, len(boxes), size):
        yield batch_of(study, boxes[first : first + size], view=view, modalities=modalities, dataset=dataset)
