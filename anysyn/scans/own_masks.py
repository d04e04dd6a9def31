"""The masks that a person has, lesions for instance: moved with the scan whose grid they lie on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from torch import Tensor

from anysyn.data.geometry.grid import Grid, same_grid
from anysyn.data.records import Failure, Subject, listed
from anysyn.data.subjects.label_maps import DSEG
from anysyn.data.volumes.volume import read_mask
from anysyn.scans.errors import PreparationError
from anysyn.scans.grids import onto_grid


def own_masks(
    subject: Subject, places: Iterable[tuple[Grid, Grid]], onto: Grid, failures: list[Failure]
) -> dict[str, Tensor]:
    """Bring a person's masks onto the grid of the study; one on the grid of no scan is listed.

    Args:
        subject: The files.
        places: Of each scan its own grid, and the same in the world of the reference.
        onto: Grid of the study.
        failures: What cannot be used is appended to it.

    Returns:
        By what they show, (X, Y, Z) bool: true where more than half of a voxel is.
    """
    pairs, masks = list(places), {}
    for name, path in subject.masks.items():
        if name == DSEG:  # many regions, not one mask
            continue
        with listed(failures, subject.key, f"{name} mask"):
            mask = read_mask(path)
            moved = next((there for own, there in pairs if same_grid(own, mask.grid)), None)
            if moved is None:
                raise PreparationError(f"{path.name} lies on the grid of no scan that is used; resample it onto one")
            masks[name] = mask_on(mask.voxels, moved, onto)
    return masks


def mask_on(mask: Tensor, grid: Grid, onto: Grid) -> Tensor:
    """Bring a mask onto a grid: true where more than half of a voxel is.

    Example:
        >>> import numpy as np, torch
        >>> mask_on(torch.ones(2, 2, 2) > 0, Grid((2, 2, 2), np.eye(4)), Grid((1, 2, 2), np.eye(4))).shape
        torch.Size([1, 2, 2])
    """
    return onto_grid(mask.float(), grid, onto) > 0.5


def labelled(masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return masks by BIDS labels, which are letters and digits.

    Example:
        >>> list(labelled({"white_matter": Tensor()}))
        ['whitematter']
    """
    return {"".join(letter for letter in name if letter.isalnum()): mask for name, mask in masks.items()}
