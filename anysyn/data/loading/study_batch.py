"""Inference batches: boxes cut out of a prepared study."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from anysyn.data.geometry.boxes import Box
from anysyn.data.views import View
from anysyn.data.volumes.study import Study
from anysyn.types import Batch


def batch_of(
    study: Study,
    boxes: Sequence[Box],
    *,
    view: View,
    modalities: Sequence[str],
    dataset: Tensor | None = None,
    sources: Collection[str] | None = None,
) -> Batch:
    """Cut boxes out of a prepared study, one sample a box.

    Args:
        study: Prepared images on one grid.
        boxes: Of equal size.
        view: How a network sees a box.
        modalities: Names in the order of the recipe; one that the study lacks is zero and counts as absent.
        dataset: (1, N) mixing weights, as `LoadedRun.dataset_weights` returns them; one dataset by default.
        sources: Modalities to take; the others count as absent. By default all that the study has.

    Example:
        >>> import numpy as np
        >>> from anysyn.data.views import Slices
        >>> image, view = torch.ones(4, 5, 3), Slices()
        >>> study = Study("sub-01", "", {"T1w": image}, np.eye(4), image > 0)
        >>> batch = batch_of(study, view.tiles(study.foreground), view=view, modalities=["T1w", "T2w"])
        >>> batch.images.shape, batch.available[0].tolist()
        (torch.Size([3, 2, 4, 5]), [True, False])
    """
    count = len(boxes)
    images = torch.zeros(count, len(modalities), *(boxes[0].size[axis] for axis in view.spatial))  # (B, M, *S)
    available = torch.tensor([name in study.images and (sources is None or name in sources) for name in modalities])
    for m in available.nonzero().flatten().tolist():
        whole, air = study.images[modalities[m]].unsqueeze(0), torch.tensor([study.air(modalities[m])])
        for sample, box in zip(images, boxes, strict=True):
            sample[m] = view.take(whole, box, air)[0]
    weights = torch.ones(1, 1) if dataset is None else dataset  # (1, N)
    return Batch(
        images,
        available.expand(count, -1),
        weights.expand(count, -1),
        torch.tensor([study.grid.spacing[axis] for axis in view.spatial]).expand(count, -1),
        (tuple(study.acquisition(name) for name in modalities),) * count,
        tuple(f"{study.key} {box.start}" for box in boxes),
    )
