"""The contract of a preparation step, and the pipeline of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from anysyn.data.prepare.windows import TypicalWindows
from anysyn.data.volumes.study import Study

Undo = Callable[[Study], Study]


class Preparation:
    """Preparation step: changes a study, and returns the inverse of the change.

    A step is a frozen dataclass, since its ``repr`` is part of the cache key of prepared studies. A step that moves
    voxels sets ``spatial``.
    """

    kind: ClassVar[str] = "prepare"
    spatial: ClassVar[bool] = False

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the prepared study, and the inverse, which also takes other modalities on the prepared grid."""
        raise NotImplementedError


@dataclass(frozen=True)
class Restoration:
    """Inverse of a preparation, also for a study with other modalities: the synthesized ones.

    Args:
        undos: The steps and their inverses, in the order of the preparation.
    """

    undos: Sequence[tuple[Preparation, Undo]]

    def __call__(self, study: Study) -> Study:
        """Map a study on the prepared grid back to the grid and the intensities of the files."""
        for _, undo in reversed(self.undos):
            study = undo(study)
        return study

    def intensities(self, study: Study) -> Study:
        """Map a study on any grid back to the intensities of the files; its grid stays."""
        return Restoration([pair for pair in self.undos if not pair[0].spatial])(study)


@dataclass(frozen=True)
class Pipeline:
    """Preparation steps in order, which are undone in the reverse order.

    Args:
        steps: The steps.
        typical: Intensity windows of synthesized images, which have no file to take one from.

    Example:
        >>> import numpy as np, torch
        >>> from anysyn.data.prepare import Canonical, Crop
        >>> image = torch.zeros(9, 9, 9)
        >>> image[3:6, 3:6, 3:6] = torch.rand(3, 3, 3) + 1
        >>> study = Study("sub-01", "", {"T1w": image}, np.diag([-1.0, 1, 1, 1]), image > 0)
        >>> prepared, undo = Pipeline((Canonical(), Crop(margin=1.0)))(study)
        >>> prepared.grid.shape, torch.equal(undo(prepared).images["T1w"], image)
        ((5, 5, 5), True)
    """

    steps: Sequence[Preparation]
    typical: TypicalWindows = field(default_factory=TypicalWindows)

    def __call__(self, study: Study) -> tuple[Study, Restoration]:
        """Prepare a study.

        A rescaled study has the windows of its own images and the typical ones of all other modalities.
        """
        undos: list[tuple[Preparation, Undo]] = []
        for step in self.steps:
            study, undo = step.forward(study)
            undos.append((step, undo))
        if study.windows:
            study = replace(study, windows={**self.typical.windows(study.dataset), **study.windows})
        return study, Restoration(undos)
