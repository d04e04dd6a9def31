"""Rigid registration with its gate: what the starts do not agree on, or what hardly overlaps, is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from anysyn.data.geometry.grid import Grid, resample
from anysyn.errors import UserError
from anysyn.scans.registration.levels import Level, blank, levels_of
from anysyn.scans.registration.rotations import Matrix, angle_of, apart
from anysyn.scans.registration.search import Candidate, search

EDGES = (8.0, 4.0, 2.0)  # mm
MOST_SPREAD = 2.0  # mm
NEAR = 8.0  # mm, one voxel of the first level: starts that end so close confirm the result
LEAST_CONFIRMING = 2
LEAST_OVERLAP = 0.5


class RegistrationError(UserError):
    """Two scans that cannot be registered so that it can be trusted; the message says what was seen and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """A rigid motion of one scan onto another one of the same person, and what speaks for it.

    Args:
        matrix: (4, 4), world of the moving scan to that of the fixed one, mm, RAS+.
        spread_mm: Mean distance, over the head, of the two best results on the finest level.
        confirming: How many of the starts ended within 8 mm of the result on the coarsest level.
        starts: How many starts there were.
        overlap: Dice overlap of the two foregrounds in the field of view of both, from 0 to 1; or the share of the
            smaller one in that field, if that is less.
        information: Mutual information in nats on the finest level.
    """

    matrix: Matrix
    spread_mm: float
    confirming: int
    starts: int
    overlap: float
    information: float

    def record(self) -> dict[str, Any]:
        """Return what a sidecar says of it."""
        return {
            "Method": "rigid, Mattes mutual information, 15 starts, 8, 4 and 2 mm",
            "SpreadMm": round(self.spread_mm, 3),
            "ConfirmingStarts": self.confirming,
            "Starts": self.starts,
            "Overlap": round(self.overlap, 3),
            "MutualInformation": round(self.information, 4),
            "AngleDeg": round(angle_of(self.matrix), 3),
        }


def register_rigid(
    moving: Tensor, moving_grid: Grid, fixed: Tensor, fixed_grid: Grid, *, families: Sequence[str] = ("MRI", "MRI")
) -> Registration:
    """Find the rigid motion that brings one scan of a person onto another one.

    Mutual information (Mattes et al., IEEE TMI 2003) is climbed from 15 starts on 8 mm voxels, from the best three
    on 4 mm and from the best two on 2 mm. The same images give the same result to the bit.

    Args:
        moving: (X, Y, Z) float32, the scan to move.
        moving_grid: Its grid.
        fixed: The scan that stays.
        fixed_grid: Its grid.
        families: ``"MRI"``, ``"CT"`` or ``"PET"``, of the moving and the fixed scan.

    Raises:
        RegistrationError: If the two best results differ by more than 2 mm over the head, fewer than two starts confirm
            the result, or the foregrounds overlap by less than half.
    """
    still, other = (
        levels_of(image, grid, EDGES, family)
        for image, grid, family in ((fixed, fixed_grid, families[1]), (moving, moving_grid, families[0]))
    )
    if any(map(blank, [*still, *other])):
        raise RegistrationError("one of the two scans shows nothing at 8 mm; leave it out")
    first, last = search(still, other)
    registration = _judged(still[1], other[1], first, last)
    check_registration(registration)
    return registration


def _judged(fixed: Level, moving: Level, first: Sequence[Candidate], last: Sequence[Candidate]) -> Registration:
    if not last:
        raise RegistrationError("no start brought the two scans onto each other; are they of one person and region?")
    points, best = fixed.points(), last[0].matrix
    return Registration(
        matrix=np.asarray(np.linalg.inv(best), dtype=np.float64),
        spread_mm=max(apart(best, other.matrix, points) for other in last),
        confirming=sum(apart(best, other.matrix, points) <= NEAR for other in first),
        starts=len(first),
        overlap=overlap(fixed, moving, best),
        information=last[0].information,
    )


def overlap(fixed: Level, moving: Level, matrix: Matrix) -> float:
    """Return how well two foregrounds lie on each other: Dice in the common field of view, or the share in it if less.

    Args:
        fixed: A level of the fixed scan.
        moving: One of the moving scan.
        matrix: (4, 4), world of the fixed scan to that of the moving one.

    Example:
        >>> import torch
        >>> image = torch.zeros(8, 8, 8)
        >>> image[2:6, 2:6, 2:6] = 1
        >>> level = Level(image, Grid((8, 8, 8), np.eye(4)), image > 0)
        >>> overlap(level, level, np.eye(4))
        1.0
    """
    onto = Grid(moving.grid.shape, np.linalg.inv(matrix) @ moving.grid.affine)
    other = resample(moving.inside.float(), onto, fixed.grid) > 0.5
    seen = resample(moving.image.new_ones(moving.image.shape), onto, fixed.grid) > 0.5
    here = fixed.inside & seen
    voxels = float(np.prod(moving.grid.spacing) / np.prod(fixed.grid.spacing))
    in_view = max(
        float(here.sum()) / float(fixed.inside.sum()), float(other.sum()) / (voxels * float(moving.inside.sum()))
    )
    both = float(here.sum() + other.sum())
    return 0.0 if both == 0 else min(2 * float((here & other).sum()) / both, in_view)


def check_registration(found: Registration) -> None:
    """Raise a `RegistrationError` unless a registration can be trusted.

    Example:
        >>> check_registration(
        ...     Registration(
        ...         matrix=np.eye(4), spread_mm=0.1, confirming=1, starts=15, overlap=0.9, information=0.5
        ...     )
        ... )
        Traceback (most recent call last):
        anysyn.scans.registration.rigid.RegistrationError: the registration is confirmed by 1 of 15 starts, 2 ...
    """
    remedy = "are they of one person and region? leave one out, or call anysyn prepare --headers if these are right"
    if found.confirming < LEAST_CONFIRMING:
        few = f"{found.confirming} of {found.starts} starts, {LEAST_CONFIRMING} are needed"
        seen = f"the registration is confirmed by {few}"
    elif found.spread_mm > MOST_SPREAD:
        seen = f"the two best registrations lie {found.spread_mm:.1f} mm apart, {MOST_SPREAD:g} is the most"
    elif found.overlap < LEAST_OVERLAP:
        seen = f"the registered scans overlap by {found.overlap:.2f}, {LEAST_OVERLAP:g} is the least"
    else:
        return
    raise RegistrationError(f"{seen}; {remedy}")
