"""One person's scans, prepared: registered, without bias and skull, on one grid; each interpolated once at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.geometry.grid import Grid, same_grid
from anysyn.data.modalities import modality
from anysyn.data.records import Failure, Subject, listed
from anysyn.data.subjects.sidecars import is_synthetic, sidecar_beside
from anysyn.data.volumes.study import Study, read_study
from anysyn.scans.bias import bias_field, has_bias
from anysyn.scans.brain import BrainMask, brain_mask, segmented_on
from anysyn.scans.errors import PreparationError
from anysyn.scans.grids import cropped, onto_grid, study_grid
from anysyn.scans.own_masks import labelled, mask_on, own_masks
from anysyn.scans.registration import register_rigid
from anysyn.scans.registration.rotations import Matrix
from anysyn.scans.steps import Steps

SYNTHETIC = "anysyn: synthetic"  # begins what the headers of synthetic images say


@dataclass(frozen=True, eq=False, kw_only=True)
class PlacedScan:
    """A scan as it came, and where it lies in the world of the reference.

    Args:
        name: Modality.
        study: The scan on its own grid.
        matrix: (4, 4), its world to that of the reference, mm, RAS+.
        how: What the matrix is from, for the record.
    """

    name: str
    study: Study
    matrix: Matrix
    how: Mapping[str, Any]

    @property
    def image(self) -> Tensor:
        """Return the voxels (X, Y, Z)."""
        return self.study.images[self.name]

    @property
    def grid(self) -> Grid:
        """Return its grid in the world of the reference."""
        return Grid(self.study.grid.shape, self.matrix @ self.study.affine)


@dataclass(frozen=True, eq=False, kw_only=True)
class PreparedScan:
    """A scan on the grid of the study.

    Args:
        placed: The scan as it came.
        image: (X, Y, Z) float32.
        bias: (X, Y, Z), the field that the image was divided by; None without that step.
        acquisition: Its acquisition.
    """

    placed: PlacedScan
    image: Tensor
    bias: Tensor | None
    acquisition: Acquisition


@dataclass(frozen=True, eq=False, kw_only=True)
class PreparedPerson:
    """What a person's scans became.

    Args:
        reference: Modality of the scan in whose world they lie.
        grid: That of all images.
        scans: By modality.
        masks: By BIDS label, (X, Y, Z) bool: those that the person had, and ``brain`` with that step.
        brain_how: What the sidecars say of it.
        left_out: Contrasts that cannot be used, and why.
    """

    reference: str
    grid: Grid
    scans: Mapping[str, PreparedScan]
    masks: Mapping[str, Tensor]
    brain_how: Mapping[str, Any]
    left_out: tuple[Failure, ...] = field(default=())


def prepare_person(subject: Subject, steps: Steps) -> PreparedPerson:
    """Prepare the scans of a person; one that cannot be read or registered is left out, and the others go on.

    Args:
        subject: The files.
        steps: What to do.

    Raises:
        PreparationError: If the reference is not there or no brain is found.
        VolumeError: If the reference cannot be read.
    """
    reference, left_out = _reference(subject, steps.to), list[Failure]()
    fixed = _as_it_came(subject, reference)
    placed = {reference: PlacedScan(name=reference, study=fixed, matrix=np.eye(4), how={"How": "reference"})}
    for name in subject.images:
        if name != reference:
            with listed(left_out, subject.key, name):
                placed[name] = _placed(_as_it_came(subject, name), name, placed[reference], steps)
    brain = _brain(placed, reference) if steps.brain else None
    grid = study_grid(fixed.grid, steps.spacing)
    mask = None if brain is None else mask_on(brain.voxels, placed[brain.scan].grid, grid)
    if mask is not None:
        whole, grid = grid, cropped(grid, mask)
        mask = onto_grid(mask.float(), whole, grid) > 0.5
    scans = {}
    for name, scan in placed.items():
        with listed(left_out, subject.key, name):
            scans[name] = _prepared(scan, grid, mask, steps)
    if reference not in scans:
        raise PreparationError(left_out[-1].reason)
    masks = labelled(own_masks(subject, [(one.study.grid, one.grid) for one in placed.values()], grid, left_out))
    masks |= {} if mask is None else {"brain": mask}
    how = {} if brain is None else brain.record()
    return PreparedPerson(
        reference=reference, grid=grid, scans=scans, masks=masks, brain_how=how, left_out=tuple(left_out)
    )


def _reference(subject: Subject, to: str | None) -> str:
    name = next(iter(subject.images)) if to is None else modality(to).name
    if name not in subject.images:
        raise PreparationError(f"--to {name}: is not there, only {', '.join(subject.images)}; choose one of these")
    return name


def _as_it_came(subject: Subject, name: str) -> Study:
    """Read a scan; one that was synthesized would lose what says so."""
    study, path = read_study(subject, modalities=[name]), subject.images[name]
    marked = study.header is not None and study.header.description.startswith(SYNTHETIC)
    if marked or is_synthetic(sidecar_beside(path)):
        raise PreparationError(f"{path.name} is synthetic; prepare scans that were acquired")
    return study


def _placed(study: Study, name: str, reference: PlacedScan, steps: Steps) -> PlacedScan:
    if same_grid(study.grid, reference.study.grid):
        return PlacedScan(name=name, study=study, matrix=np.eye(4), how={"How": "on the grid of the reference"})
    if steps.headers:
        return PlacedScan(name=name, study=study, matrix=np.eye(4), how={"How": "by the headers, not registered"})
    families = (modality(name).family, modality(reference.name).family)
    found = register_rigid(study.images[name], study.grid, reference.image, reference.study.grid, families=families)
    return PlacedScan(name=name, study=study, matrix=found.matrix, how={"How": "registered", **found.record()})


def _brain(placed: Mapping[str, PlacedScan], reference: str) -> BrainMask:
    scan = placed[segmented_on(placed, reference)]
    return brain_mask(scan.image, scan.study.grid, scan.name)


def _prepared(scan: PlacedScan, grid: Grid, mask: Tensor | None, steps: Steps) -> PreparedScan:
    air = scan.study.air(scan.name)
    image = onto_grid(scan.image, scan.grid, grid, background=air)
    bias = _bias(scan, grid, mask) if steps.bias and has_bias(scan.name) else None
    image = image if bias is None else image / bias
    if mask is not None:
        image = torch.where(mask, image, torch.tensor(air))
    acquisition = scan.study.acquisition(scan.name) or Acquisition(modality=scan.name)
    return PreparedScan(placed=scan, image=image.contiguous(), bias=bias, acquisition=acquisition)


def _bias(scan: PlacedScan, grid: Grid, mask: Tensor | None) -> Tensor:
    """Estimate the field on the scan's own grid, where its voxels are, and bring it onto the study's."""
    inside = scan.study.foreground if mask is None else mask_on(mask, grid, scan.grid)
    field = bias_field(scan.image, scan.grid, inside)
    return onto_grid(field, scan.grid, grid, background=1.0)
