"""Known motions are found, to the bit the same each time; what is no head of that person is refused."""

import numpy as np
import pytest
import torch
from head_phantom import LIMB, grid_of, image

from anysyn.data.volumes.volume import read_volume
from anysyn.scans.registration import RegistrationError, register_rigid
from anysyn.scans.registration.levels import levels_of
from anysyn.scans.registration.rotations import angle_of, apart, rigid


def points_of(voxels, grid):
    return levels_of(voxels, grid, [8.0])[0].points()


@pytest.mark.parametrize(
    "motion",
    [
        pytest.param(rigid((-10, 20, 15), (0, 30, -20)), id="turned"),
        pytest.param(rigid(), id="none", marks=pytest.mark.slow),
        pytest.param(rigid((0, 0, 8), (5, -7, 3)), id="small", marks=pytest.mark.slow),
        pytest.param(rigid((30, 0, 0), (40, 0, 10)), id="tilted", marks=pytest.mark.slow),
    ],
)
def test_a_known_motion_is_found(motion):
    fixed, grid = image("T1w"), grid_of()
    thick = grid_of((60, 70, 34), (3.0, 3.0, 6.0), motion)  # a grid that moves with the head, and the head in it
    moving = image("T2w", thick, matrix=motion, seed=1)
    found = register_rigid(moving, thick, fixed, grid)
    assert apart(found.matrix @ motion, np.eye(4), points_of(fixed, grid)) < 1.0  # a quarter of a voxel
    assert angle_of(found.matrix) == pytest.approx(angle_of(motion), abs=1)


@pytest.mark.slow
def test_the_same_scans_give_the_same_bits():
    fixed, moving = image("T1w"), image("T2w", matrix=rigid((0, 9, 0), (6, 0, 0)))
    a, b = (register_rigid(moving, grid_of(), fixed, grid_of()) for _ in range(2))
    assert np.array_equal(a.matrix, b.matrix)


@pytest.mark.parametrize("case", ["limb", "noise"])
def test_what_is_no_such_head_is_refused(case):
    wrong = (
        image("T2w", body=LIMB)
        if case == "limb"
        else 50 * torch.rand(48, 56, 48, generator=torch.Generator().manual_seed(0))
    )
    with pytest.raises(RegistrationError, match=r"; are they of one person and region\?|shows nothing"):
        register_rigid(wrong, grid_of(), image("T1w"), grid_of())


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("T1w", 1.0), ("T2w", 1.0)])
@pytest.mark.parametrize("displaced", [rigid(), rigid((35, 0, 0), (60, 0, 0))], ids=["as it came", "displaced"])
def test_a_real_head_lies_where_others_put_it(shared, name, most, displaced):
    """The truth is the rigid motion of the same contrast onto the one that others registered."""
    folder = shared / "ms_head_thick_slices" / "sub-01" / "ses-1"
    raw, theirs = (read_volume(folder / place / f"{name}.nii.gz") for place in ("raw", "reg_to_FLAIR"))
    flair = read_volume(folder / "reg_to_FLAIR" / "FLAIR.nii.gz")
    truth = register_rigid(raw.voxels, raw.grid, theirs.voxels, theirs.grid).matrix
    moved = raw.grid._replace(affine=displaced @ raw.affine)
    found = register_rigid(raw.voxels, moved, flair.voxels, flair.grid)
    back = np.linalg.inv(truth)
    points = points_of(flair.voxels, flair.grid)
    assert apart(np.linalg.inv(found.matrix @ displaced), back, points) < most


@pytest.mark.slow
@pytest.mark.parametrize("person", ["STS034", "STS008"])
def test_a_real_limb_is_no_head(shared, person):
    limb = read_volume(shared / "limb_ct_pet" / f"sub-{person}" / "T1w.nii.gz")
    flair = read_volume(shared / "ms_head_thick_slices" / "sub-01" / "ses-1" / "reg_to_FLAIR" / "FLAIR.nii.gz")
    with pytest.raises(RegistrationError):
        register_rigid(limb.voxels, limb.grid, flair.voxels, flair.grid)
