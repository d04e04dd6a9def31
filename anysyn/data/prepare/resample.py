"""Resampling to one voxel size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from anysyn.data.errors import about
from anysyn.data.geometry.grid import Grid, Interpolation, Spacing, resample, with_spacing
from anysyn.data.prepare.preparation import Preparation, Undo
from anysyn.data.volumes.study import Study
from anysyn.registry import register


@register("prepare", "resample")
@dataclass(frozen=True, kw_only=True)
class Resample(Preparation):
    """Resampling to one voxel size; the inverse returns to exactly the grid of the file.

    Args:
        spacing: Voxel edge lengths in mm along the axes at this step; null keeps an axis as it is.
        interpolation: ``bspline`` is sharper and may overshoot at edges.

    Example:
        >>> import torch
        >>> image = torch.rand(8, 8, 5)
        >>> study = Study("sub-01", "", {"T1w": image}, np.diag([1.0, 1, 4, 1]), image > 0)
        >>> coarse, undo = Resample(spacing=(2, 2, None)).forward(study)
        >>> coarse.grid.shape, undo(coarse).grid.shape
        ((4, 4, 5), (8, 8, 5))
    """

    spatial: ClassVar[bool] = True
    spacing: Spacing
    interpolation: Interpolation = "linear"

    def __post_init__(self) -> None:
        object.__setattr__(self, "spacing", tuple(None if edge is None else float(edge) for edge in self.spacing))
        wrong = [edge for edge in self.spacing if edge is not None and edge <= 0]
        if wrong:
            raise ValueError(f"prepare.resample.spacing: {wrong[0]} mm is not above 0")

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the resampled study and the inverse."""
        with about(f"{study.key}: prepare.resample"):
            onto = with_spacing(study.grid, self.spacing)
        if np.array_equal(onto.affine, study.affine):
            return study, lambda prepared: prepared
        return self._resampled(study, onto), lambda prepared: self._resampled(prepared, study.grid)

    def _resampled(self, study: Study, onto: Grid) -> Study:
        def move(image: Tensor, air: float) -> Tensor:
            with about(f"{study.key}: prepare.resample"):
                return resample(image, study.grid, onto, background=air, interpolation=self.interpolation)

        return study.moved(onto.affine, move)
