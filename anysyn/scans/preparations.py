"""Steps of `anysyn prepare` that a recipe's ``data.prepare`` may name too."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from anysyn.data.prepare.preparation import Preparation, Undo
from anysyn.data.volumes.study import Study
from anysyn.registry import register
from anysyn.scans.bias import bias_field, has_bias
from anysyn.scans.brain import brain_mask, segmented_on
from anysyn.scans.grids import onto_grid


@register("prepare", "bias_field")
@dataclass(frozen=True, kw_only=True)
class BiasField(Preparation):
    """Division of each MRI by its bias field (N4); the inverse multiplies by it, on any grid.

    A modality that the study lacks has no field, so the inverse leaves it as it is.

    Example:
        >>> image = 100 * torch.linspace(0.8, 1.2, 32).reshape(32, 1, 1).repeat(1, 32, 32)
        >>> affine = torch.diag(torch.tensor([4.0, 4.0, 4.0, 1.0])).double().numpy()
        >>> study = Study("sub-01", "", {"T1w": image}, affine, image > 0)
        >>> even, undo = BiasField().forward(study)
        >>> bool(even.images["T1w"].std() < 0.3 * image.std()), torch.allclose(undo(even).images["T1w"], image)
        (True, True)
    """

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the even study and the inverse."""
        grid = study.grid
        fields = {n: bias_field(image, grid, study.foreground) for n, image in study.images.items() if has_bias(n)}

        def undo(prepared: Study) -> Study:
            there = {
                n: onto_grid(f, grid, prepared.grid, background=1.0) for n, f in fields.items() if n in prepared.images
            }
            images = {n: image * there[n] if n in there else image for n, image in prepared.images.items()}
            return replace(prepared, images=images)

        images = {name: image / fields[name] if name in fields else image for name, image in study.images.items()}
        return replace(study, images=images), undo


@register("prepare", "brain")
@dataclass(frozen=True, kw_only=True)
class Brain(Preparation):
    """Removal of all but the brain (deepbet, extra ``anysyn[brain]``), segmented on T1w, T1c, FLAIR or the first image.

    The inverse leaves the outside as air, since nothing was synthesized there.

    Example:
        >>> Brain.spatial
        False
    """

    def forward(self, study: Study) -> tuple[Study, Undo]:
        """Return the study of the brain alone, and an inverse that does nothing.

        Raises:
            PreparationError: If the extra is not there, or no brain is found.
        """
        name = segmented_on(study.images, next(iter(study.images)))
        mask = brain_mask(study.images[name], study.grid, name).voxels
        images = {n: torch.where(mask, image, torch.tensor(study.air(n))) for n, image in study.images.items()}
        return replace(study, images=images, foreground=mask), lambda prepared: prepared
