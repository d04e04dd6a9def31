from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from anysyn.data.volumes.foreground import foreground
from anysyn.data.volumes.volume import read_volume


def ball(shape=(40, 44, 36), radius=14):
    grid = np.indices(shape) - (np.array(shape).reshape(3, 1, 1, 1) - 1) / 2
    return torch.from_numpy((grid**2).sum(0) <= radius**2)


def noise(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def dice(a, b):
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


def test_a_noisy_head_with_dark_ventricles():
    head = ball()
    image = (400 * head + 20 * noise(head.shape)).abs()
    image[ball(radius=5)] = 2.0
    assert dice(foreground(image), head) > 0.99


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_bone_belongs_to_a_head_that_the_field_of_view_cuts_open(axis):
    skin, skull, brain = (ball(radius=radius) for radius in (14, 12, 10))
    image = torch.where(skin, 400.0, 0.0) - torch.where(skull & ~brain, 400.0, 0.0)
    open_head = (image + 5 * noise(image.shape)).abs().narrow(axis, 18, image.shape[axis] - 18)
    inside = foreground(open_head)
    assert dice(inside, skin.narrow(axis, 18, image.shape[axis] - 18)) > 0.98


def test_a_fissure_between_two_halves_is_no_hole():
    image = torch.zeros(20, 20, 20)
    image[4:16, 4:16, 4:16] = 200 + torch.rand(12, 12, 12)
    image[9:11, 6:16, 6:16] = 0  # open towards two sides, closed in the planes of the third
    assert int(foreground(image).sum()) == 12**3 - 2 * 10 * 10


@pytest.mark.parametrize("background", [0.0, -0.003, 7.0])
def test_a_brain_cut_out_of_a_constant_background_keeps_its_dark_rim(background):
    brain, core = ball(), ball(radius=13)
    image = torch.where(core, 400.0, 90 + 30 * noise(brain.shape).abs())
    image[ball(radius=14) & (noise(brain.shape, 1) > 0.5)] = 12.0  # dark fluid
    image[~brain] = background
    assert torch.equal(foreground(image), brain)


def test_noise_that_a_scanner_cut_to_zero_is_no_rim():
    head = ball()
    image = torch.where(head, 400.0, (6 * noise(head.shape)).clamp(min=0))
    assert dice(foreground(image), head) > 0.99


def test_the_air_in_and_around_a_body_in_ct():
    body = ball()
    image = torch.where(body, 40.0, -1000.0) + 15 * noise(body.shape)
    image[ball(radius=6)] = -850.0  # a lung
    assert torch.equal(foreground(image, "CT"), body)


def test_a_brain_cut_out_of_ct_with_zeros():
    brain = ball()
    image = torch.where(brain, 35 + 5 * noise(brain.shape), 0.0)
    assert torch.equal(foreground(image, "CT"), brain)


def test_two_legs_stay_two():
    image = torch.zeros(40, 20, 10)
    image[4:14, 5:15], image[24:36, 5:15] = 300.0, 300.0
    image[18, 1, 1] = 300.0  # a speck
    assert int(foreground(image).sum()) == 22 * 10 * 10


def test_one_slice_with_a_hole():
    image = torch.zeros(20, 20, 1)
    image[4:16, 4:16] = 100 + torch.rand(12, 12, 1)
    image[8:10, 8:10] = 0
    assert int(foreground(image).sum()) == 144


@settings(max_examples=100, deadline=None)
@given(arrays(np.float32, array_shapes(min_dims=3, max_dims=3, max_side=5), elements=st.floats(-4, 4, width=16)))
def test_whatever_is_not_constant_has_a_foreground(voxels):
    if voxels.min() < voxels.max():
        for family in ("MRI", "CT", "PET"):
            inside = foreground(torch.from_numpy(voxels) * 500, family)
            assert inside.shape == voxels.shape
            assert inside.any()


def test_all_contrasts_of_a_real_brain_give_the_same_foreground(shared):
    brain = shared / "ms_brain_1mm" / "sub-07"
    assert dice(*(foreground(read_volume(brain / f"{name}.nii.gz").voxels) for name in ("T1w", "FLAIR"))) > 0.999
