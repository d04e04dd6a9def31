"""The search for a rigid motion: many starts on coarse voxels, the best of them on finer ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anysyn.scans.registration.levels import Level, centre_of, middle_of
from anysyn.scans.registration.rotations import Matrix, rigid

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813

BINS = 50
SAMPLES = 20_000  # voxels of which the mutual information is computed
SEED = 1
STEPS = 500
RELAXATION = 0.9  # of the step where the gradient turns; 0.5 stops early, before large rotations are found
TURNS = (15.0, 30.0)  # degrees of the turned starts, so near each other that two of them find what lies up to 35 away
KEPT = (3, 2)  # how many go on to the second and the third level
TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


class Candidate(NamedTuple):
    """A rigid motion and how well it fits.

    Args:
        matrix: (4, 4), world of the fixed scan to that of the moving one, mm, RAS+.
        information: Mutual information (Mattes et al., IEEE TMI 2003) in nats; more is better.
    """

    matrix: Matrix
    information: float


def starts(fixed: Level, moving: Level) -> list[Matrix]:
    """Return 15 rigid motions to begin with: by the headers, the middles of the grids, the centres of mass, turned.

    Example:
        >>> import torch
        >>> from anysyn.scans.registration.levels import levels_of
        >>> from anysyn.data.geometry.grid import Grid
        >>> [level] = levels_of(torch.rand(9, 9, 9), Grid((9, 9, 9), np.eye(4)), [1.0])
        >>> len(starts(level, level))
        15
    """
    here, there = centre_of(fixed), centre_of(moving)
    turns = [
        tuple(signed if axis == turned else 0.0 for axis in range(3))
        for turn in TURNS
        for turned in range(3)
        for signed in (turn, -turn)
    ]
    return [
        np.eye(4),
        rigid(shift=middle_of(moving.grid) - middle_of(fixed.grid)),
        rigid(shift=there - here),
        *(rigid(turn, there - here, here) for turn in turns),
    ]


def search(fixed: Sequence[Level], moving: Sequence[Level]) -> tuple[list[Candidate], list[Candidate]]:
    """Return what all starts found on the first level, and what the best of them found on the last, best first.

    Args:
        fixed: Levels of the scan that stays, the coarsest first.
        moving: Those of the other one, of the same voxel sizes.
    """
    centre = centre_of(fixed[0])
    with one_thread():
        begun = [Candidate(start, 0.0) for start in starts(fixed[0], moving[0])]
        first = candidates = _refined(begun, fixed[0], moving[0], centre)
        for number, (still, other) in enumerate(zip(fixed[1:], moving[1:], strict=True)):
            kept = KEPT[min(number, len(KEPT) - 1)]
            candidates = _refined(candidates[:kept], still, other, centre)
    return first, candidates


@contextmanager
def one_thread() -> Iterator[None]:
    """Let ITK compute with one thread, in which sums are always added in the same order."""
    import SimpleITK as sitk  # noqa: N813

    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def _refined(
    candidates: Sequence[Candidate], fixed: Level, moving: Level, centre: NDArray[np.float64]
) -> list[Candidate]:
    images = fixed.itk(), moving.itk()
    edge = fixed.grid.spacing[0]
    refined = [_optimum(*images, candidate.matrix, centre, edge) for candidate in candidates]
    return sorted((one for one in refined if one is not None), key=lambda one: -one.information)


def _optimum(
    fixed: object, moving: object, start: Matrix, centre: NDArray[np.float64], edge: float
) -> Candidate | None:
    """Climb from a start; None if no voxels of the two scans lie on each other there."""
    import SimpleITK as sitk  # noqa: N813

    transform = _euler(start, centre)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentage(min(1.0, SAMPLES / fixed.GetNumberOfPixels()), SEED)  # type: ignore[attr-defined]
    method.SetOptimizerAsRegularStepGradientDescent(edge, edge / 200, STEPS, RELAXATION, 1e-6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed, moving)
    except RuntimeError:
        return None
    return Candidate(_matrix(transform), -float(method.GetMetricValue()))


def _euler(matrix: Matrix, centre: NDArray[np.float64]) -> sitk.Euler3DTransform:
    import SimpleITK as sitk  # noqa: N813

    lps = TO_LPS @ matrix @ TO_LPS
    middle = TO_LPS[:3, :3] @ centre
    transform = sitk.Euler3DTransform()
    transform.SetCenter(middle.tolist())
    transform.SetMatrix(lps[:3, :3].ravel().tolist(), 1e-6)
    transform.SetTranslation((lps[:3, 3] + lps[:3, :3] @ middle - middle).tolist())
    return transform


def _matrix(transform: sitk.Euler3DTransform) -> Matrix:
    turn = np.array(transform.GetMatrix()).reshape(3, 3)
    middle, lps = np.array(transform.GetCenter()), np.eye(4)
    lps[:3, :3] = turn
    lps[:3, 3] = np.array(transform.GetTranslation()) + middle - turn @ middle
    return np.asarray(TO_LPS @ lps @ TO_LPS)
