"""Orientation of the voxel axes, to RAS+ by default: towards right, anterior, superior."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import nibabel as nib
import numpy as np
from torch import Tensor

from anysyn.data.prepare.preparation import Preparation, Undo
from anysyn.data.volumes.study import Study
from anysyn.registry import register

OPPOSITE = {"L": "R", "P": "A", "I": "S"}


@register("prepare", "canonical")
@dataclass(frozen=True, kw_only=True)
class Canonical(Preparation):
    """Reorientation by permuting and flipping the axes, to RAS+ by default; oblique grids stay oblique.

    Args:
        axes: Where the three axes point, a letter each: R or L, A or P, S or I. Views by anatomical planes need RAS.

    Example:
        >>> import torch
        >>> image, affine = torch.rand(4, 5, 6), np.diag([-1.0, 1, 1, 1])
        >>> study = Study("sub-01", "", {"T1w": image}, affine, image > 0)
        >>> turned, undo = Canonical().forward(study)
        >>> turned.affine[:3, 3].tolist(), torch.equal(turned.images["T1w"][0], image[-1])
        ([-3.0, 0.0, 0.0], True)
    """

    spatial: ClassVar[bool] = True
    axes: str = "RAS"

    def __post_init__(self) -> None:
        if sorted(OPPOSITE.get(letter, letter) for letter in self.axes) != ["A", "R", "S"]:
            raise ValueError(f"prepare.canonical.axes: {self.axes!r} names no three axes; for example RAS, LPS or SAL")

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the reoriented study and the inverse."""
        wanted = nib.orientations.axcodes2ornt(tuple(self.axes))
        turns = nib.orientations.ornt_transform(nib.io_orientation(study.affine), wanted)
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
