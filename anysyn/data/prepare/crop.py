"""Cropping to the foreground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from nibabel.affines import from_matvec
from torch import Tensor
from torch.nn import functional

from anysyn.bounds import NotNegative
from anysyn.data.prepare.preparation import Preparation, Undo
from anysyn.data.volumes.study import Study
from anysyn.registry import register


@register("prepare", "crop")
@dataclass(frozen=True, kw_only=True)
class Crop(Preparation):
    """Cropping to the bounding box of the foreground; the inverse pads with air.

    Args:
        margin: Margin around the foreground in mm, within the image.

    Example:
        >>> import torch
        >>> image = torch.zeros(20, 20, 20)
        >>> image[8:12, 8:12, 8:12] = 1
        >>> small, undo = Crop(margin=2.0).forward(Study("sub-01", "", {"T1w": image}, np.eye(4), image > 0))
        >>> small.grid.shape, undo(small).grid.shape
        ((8, 8, 8), (20, 20, 20))
    """

    spatial: ClassVar[bool] = True
    margin: NotNegative = 5.0

    def __post_init__(self) -> None:
        if self.margin < 0:
            raise ValueError(f"prepare.crop.margin: {self.margin} mm is below 0")

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the cropped study and the inverse."""
        box = self._box(study)
        shift = from_matvec(np.eye(3), [side.start for side in box])
        sides = zip(box[::-1], study.grid.shape[::-1], strict=True)
        amounts = [n for side, length in sides for n in (side.start, length - side.stop)]

        def pad(image: Tensor, air: float) -> Tensor:
            return functional.pad(image, amounts, value=air)

        cropped = study.moved(study.affine @ shift, lambda image, _: image[box].contiguous())
        return cropped, lambda prepared: prepared.moved(study.affine, pad)

    def _box(self, study: Study) -> tuple[slice, ...]:
        box = []
        for axis, (length, edge) in enumerate(zip(study.grid.shape, study.grid.spacing, strict=True)):
            others = [other for other in range(3) if other != axis]
            inside = study.foreground.any(others[1]).any(others[0]).nonzero()
            margin = int(np.ceil(self.margin / edge))
            box.append(slice(max(int(inside[0]) - margin, 0), min(int(inside[-1]) + 1 + margin, length)))
        return tuple(box)
