"""The contract of a preparation step, and the composition of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from anysyn.data.prepare.windows import TypicalWindows
from anysyn.data.volumes.study import Study

Undo = Callable[[Study], Study]


class Preparation:
    """Change a study, and say how the change is undone.

    A step is a frozen dataclass, since its ``repr`` is part of the name under which prepared studies are cached. One
    that moves voxels sets ``spatial``.
    """

    kind: ClassVar[str] = "prepare"
    spatial: ClassVar[bool] = False

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Prepare a study.

        Args:
            study: Images of one subject.

        Returns:
            The prepared study, and the inverse, which also takes a study that holds other modalities on the prepared
            grid: the synthesized ones.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Restoration:
    """Undo a preparation, also for a study that holds other modalities: the synthesized ones.

    Args:
        undos: The steps and their inverses, in the order of the preparation.
    """

    undos: Sequence[tuple[Preparation, Undo]]

    def __call__(self, answer: Study) -> Study:
        """Bring a study on the prepared grid back to the grid and the intensities of the files."""
        for _, undo in reversed(self.undos):
            answer = undo(answer)
        return answer

    def intensities(self, answer: Study) -> Study:
        """Bring a study that lies on a grid of its own, and stays there, back to the intensities of the files."""
        return Restoration([pair for pair in self.undos if not pair[0].spatial])(answer)


@dataclass(frozen=True)
class Pipeline:
    """Apply steps in order, and undo them in the reverse order.

    Args:
        steps: What to do.
        typical: The intensities that an image gets back which no file gave, because it was synthesized.

    Example:
        >>> import numpy as np, torch
        >>> from anysyn.data.prepare import Canonical, Crop
        >>> from anysyn.data.volumes.study import study_of
        >>> from anysyn.data.volumes.volume import Volume
        >>> image = torch.zeros(9, 9, 9)
        >>> image[3:6, 3:6, 3:6] = torch.rand(3, 3, 3) + 1
        >>> study = study_of({"T1w": Volume(image, np.diag([-1.0, 1, 1, 1]))})
        >>> prepared, undo = Pipeline((Canonical(), Crop(margin=1.0)))(study)
        >>> prepared.grid.shape, torch.equal(undo(prepared).images["T1w"], image)
        ((5, 5, 5), True)
    """

    steps: Sequence[Preparation]
    typical: TypicalWindows = field(default_factory=TypicalWindows)

    def __call__(self, study: Study) -> tuple[Study, Restoration]:
        """Prepare a study; the inverse also takes a study that holds other modalities on the prepared grid.

        A rescaled study carries the windows of its own images and, of all other modalities, the typical ones.
        """
        undos: list[tuple[Preparation, Undo]] = []
        for step in self.steps:
            study, undo = step.forward(study)
            undos.append((step, undo))
        if study.windows:
            study = replace(study, windows={**self.typical.windows(study.dataset), **study.windows})
        return study, Restoration(undos)
