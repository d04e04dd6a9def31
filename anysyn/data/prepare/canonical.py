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
        >>> image, affine = torch.rand(4, 5, 6), np.diag([-1.0, 1, 1, 1])
        >>> study = Study("sub-01", "", {"T1w": image}, affine, image > 0)
        >>> turned, undo = Canonical().forward(study)
        >>> turned.affine[:3, 3].tolist(), torch.equal(turned.images["T1w"][0], image[-1])
        ([-3.0, 0.0, 0.0], True)
    """

    spatial: ClassVar[bool] = True

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the reoriented study and the inverse."""
        turns = nib.io_orientation(study.affine)
        back, signs = turns.astype(int).T.tolist()
        order = np.argsort(back).tolist()
        flips = [axis for axis, sign in zip(back, signs, strict=True) if sign < 0]  # among the new axes

        def turn(image: Tensor, _: float) -> Tensor:
            turned = image.permute(order)
            return (turned.flip(flips) if flips else turned).contiguous()

        def turn_back(image: Tensor, _: float) -> Tensor:
            return image.flip(flips).permute(back).contiguous()

        affine = study.affine @ nib.orientations.inv_ornt_aff(turns, study.grid.shape)
        return study.moved(affine, turn), lambda prepared: prepared.moved(study.affine, turn_back)
