import numpy as np
import pytest
from scipy import ndimage

from anysyn.simulation.anatomy.warp import displacement, smooth_field, warped

SHAPE = (60, 70, 60)


def determinant(places):
    gradient = np.stack([np.stack(np.gradient(part)) for part in places])  # (3, 3, X, Y, Z)
    return np.linalg.det(np.moveaxis(gradient, (0, 1), (-2, -1)))


@pytest.mark.parametrize("seed", range(4))
def test_displacements_are_diffeomorphic(seed):
    moved = displacement(SHAPE, 2.0, np.random.default_rng(seed))
    assert determinant(np.indices(SHAPE) + moved).min() > 0
    assert 2.0 < np.abs(moved).max() * 2.0 < 30  # mm: it does move


def test_smooth_fields_have_unit_spread_and_change_slowly():
    field = smooth_field((64, 64, 64), 6.0, np.random.default_rng(0))
    assert 0.7 < field.std() < 1.3
    assert np.abs(np.diff(field, axis=0)).std() < 0.35


def test_subjects_differ_and_repeat():
    image = np.random.default_rng(0).random((20, 20, 20)).astype(np.float32)
    one, again, other = (warped(image.shape, 4.0, np.random.default_rng(s))(image) for s in (1, 1, 2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("seed", range(4))
def test_the_whole_warp_of_a_subject_folds_nowhere(seed):
    bend = warped(SHAPE, 2.0, np.random.default_rng(seed))
    places = [bend(ramp) for ramp in np.indices(SHAPE, dtype=np.float32)]
    inside = ndimage.binary_erosion(bend(np.ones(SHAPE, dtype=np.float32)) > 0.999, iterations=2)
    assert inside.mean() > 0.5
    assert determinant(places)[inside].min() > 0
