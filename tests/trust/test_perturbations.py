"""What is changed is changed back exactly, and points of the world stay where they are."""

import numpy as np
import torch

from anysyn.data.volumes.study import study_of
from anysyn.data.volumes.volume import Volume
from anysyn.trust.perturbations import Mirror, Shift, perturbations_of

AFFINE = np.array([[0, 1.1, 0, 5.0], [-0.9, 0, 0.1, 3], [0, 0, 2.0, 1], [0, 0, 0, 1]])


def study():
    torch.manual_seed(0)
    return study_of({"T1w": Volume(torch.rand(6, 7, 8) + 0.1, AFFINE), "T2w": Volume(torch.rand(6, 7, 8), AFFINE)})


def test_every_perturbation_is_undone_to_the_bit():
    whole = study()
    for change in perturbations_of(whole):
        changed = change.apply(whole)
        for name, image in whole.images.items():
            assert not torch.equal(changed.images[name], image)
            assert torch.equal(change.back(changed.images[name]), image)
        assert torch.equal(change.back(changed.foreground), whole.foreground)


def test_a_shift_moves_no_voxel_in_the_world():
    whole, change = study(), Shift((1, 2, 3))
    moved = change.apply(whole)
    assert moved.images["T1w"][1, 2, 3] == whole.images["T1w"][0, 0, 0]
    np.testing.assert_allclose(moved.affine @ [1, 2, 3, 1], whole.affine @ [0, 0, 0, 1])


def test_left_and_right_is_the_axis_that_the_affine_says():
    assert perturbations_of(study())[0] == Mirror(1)
