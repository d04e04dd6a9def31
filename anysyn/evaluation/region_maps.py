"""Regions of a label map as something that a segmenter finds: grey and white matter, fluid, or any of a user's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anysyn.data.geometry.grid import Grid, resample
from anysyn.data.records import Subject
from anysyn.data.subjects.label_maps import DSEG, label_numbers
from anysyn.data.volumes.formats import read_voxels
from anysyn.errors import UserError
from anysyn.evaluation.lesion_masks import Task

REGIONS = "regions"


@dataclass(frozen=True, eq=False)
class RegionTask(Task):
    """Regions that the label map ``dseg`` of a subject has.

    Args:
        name: Name of the task.
        regions: By name of the region, that name alone.
    """

    def known_of(self, subject: Subject) -> bool:
        """Return whether a subject has a label map whose table names all regions."""
        if DSEG not in subject.masks:
            return False
        try:
            return self.masks <= label_numbers(subject.masks[DSEG]).keys()
        except UserError:
            return False

    def part(self, subject: Subject, name: str, onto: Grid) -> Tensor:
        """Read a region of a subject, (X, Y, Z) bool, onto a grid."""
        path = subject.masks[DSEG]
        voxels, header = read_voxels(path)
        there = torch.from_numpy((np.round(voxels) == label_numbers(path)[name]).astype(np.float32))
        return resample(there, Grid(header.shape, header.affine), onto) > 0.5


def region_task(names: Sequence[str]) -> RegionTask:
    """Return the task of finding some regions.

    Args:
        names: As the table of the label maps has them, such as ``grey``.

    Example:
        >>> region_task(["grey", "white"]).masks == {"grey", "white"}
        True
    """
    return RegionTask(REGIONS, {name: (name,) for name in names})
