"""Orientation to RAS+: axes towards right, anterior, superior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import nibabel as nib
import numpy as np
from torch import Tensor

from anysyn.data.prepare.preparation import Preparation, Undo
from anysyn.data.volumes.study import Study
from anysyn.registry import register


@register("prepare", "canonical")
@dataclass(frozen=True, kw_only=True)
class Canonical(Preparation):
    """Reorientation to RAS+ by permuting and flipping the axes; oblique grids stay oblique.

    Example:
        >>> import torch
        >>> from anysyn.data.volumes.study import study_of
        >>> from anysyn.data.volumes.volume import Volume
        >>> study = study_of({"T1w": Volume(torch.rand(4, 5, 6), np.diag([-1.0, 1, 1, 1]))})
        >>> turned, undo = Canonical().forward(study)
        >>> turned.affine[:3, 3].tolist(), torch.equal(turned.images["T1w"][0], study.images["T1w"][-1])
        ([-3.0, 0.0, 0.0], True)
    """

    spatial: ClassVar[bool] = True

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the reoriented study and the inverse."""
        turns = nib.io_orientation(study.affine)
        order = [int(axis) for axis in np.argsort(turns[:, 0])]
        back = [int(axis) for axis in turns[:, 0]]
        flips = [int(axis) for axis, sign in turns if sign < 0]  # among the new axes

        def turn(image: Tensor, _: float) -> Tensor:
            return image.permute(order).flip(flips).contiguous()

        def turn_back(image: Tensor, _: float) -> Tensor:
            return image.flip(flips).permute(back).contiguous()

        affine = study.affine @ nib.orientations.inv_ornt_aff(turns, study.grid.shape)
        turned = study.moved(affine, turn)
        return turned, lambda prepared: prepared.moved(study.affine, turn_back)
