"""Resampling to one voxel size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from anysyn.data import grid
from anysyn.data.grid import Grid, Interpolation
from anysyn.data.prepare.preparation import Preparation, Undo
from anysyn.data.study import Study
from anysyn.registry import register

Spacing = tuple[float | None, float | None, float | None]


@register("prepare", "resample")
@dataclass(frozen=True, kw_only=True)
class Resample(Preparation):
    """Resample to one voxel size; the inverse comes back onto exactly the grid of the file.

    Args:
        spacing: Voxel edge lengths in mm along the axes as they are at this step; null keeps an axis as it is.
        interpolation: ``bspline`` is sharper and may overshoot at edges.

    Example:
        >>> import torch
        >>> from anysyn.data.study import study_of
        >>> from anysyn.data.volume import Volume
        >>> study = study_of({"T1w": Volume(torch.rand(8, 8, 5), np.diag([1.0, 1, 4, 1]))})
        >>> coarse, undo = Resample(spacing=(2, 2, None)).forward(study)
        >>> coarse.grid.shape, undo(coarse).grid.shape
        ((4, 4, 5), (8, 8, 5))
    """

    spacing: Spacing
    interpolation: Interpolation = "linear"

    def __post_init__(self) -> None:
        """Write the spacing in one way, and refuse one that is none."""
        object.__setattr__(self, "spacing", tuple(None if edge is None else float(edge) for edge in self.spacing))
        wrong = [edge for edge in self.spacing if edge is not None and edge <= 0]
        if wrong:
            raise ValueError(f"prepare.resample.spacing: {wrong[0]} mm is not above 0")

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the resampled study and the inverse."""
        onto = with_spacing(study.grid, self.spacing)
        if np.array_equal(onto.affine, study.affine):
            return study, lambda answer: answer
        return self._onto(study, onto), lambda answer: self._onto(answer, study.grid)

    def _onto(self, study: Study, onto: Grid) -> Study:
        here, how = study.grid, self.interpolation
        return study.moved(
            onto.affine,
            lambda image, air: grid.resample(image, here, onto, background=air, interpolation=how),
        )


def with_spacing(here: Grid, spacing: Spacing) -> Grid:
    """Lay a grid of another voxel size over the same field of view, centred on it.

    Args:
        here: The grid that is covered.
        spacing: Voxel edge lengths in mm; None, or what is within a thousandth, keeps an axis as it is.

    Example:
        >>> with_spacing(Grid((4, 4, 4), np.eye(4)), (2.0, 1.0, None)).affine[0].tolist()
        [2.0, 0.0, 0.0, 0.5]
    """
    factor = np.array([1.0 if new is None else new / old for old, new in zip(here.spacing, spacing, strict=True)])
    factor = np.where(np.abs(factor - 1) < 1e-3, 1.0, factor)
    shape = np.maximum(np.round(np.array(here.shape) / factor), 1).astype(int)
    shape = np.where(factor == 1, here.shape, shape)
    start = (np.array(here.shape) - 1) / 2 - factor * (shape - 1) / 2  # first new voxel, in old voxels
    change = np.diag([*factor, 1.0])
    change[:3, 3] = start
    x, y, z = (int(n) for n in shape)
    return Grid((x, y, z), here.affine @ change)
