"""What a segmenter learns from."""

import torch

from anysyn.probes.lesion_segmentation.slices import HELD, draw, slices_of


def volume(shape=(6, 9, 12), lesion=slice(3, 5)):
    places = torch.arange(float(torch.Size(shape).numel())).reshape(1, *shape) / 1000
    truth = torch.zeros(1, *shape, dtype=torch.bool)
    truth[0, :2, :, lesion] = True
    inside = torch.ones(shape, dtype=torch.bool)
    inside[..., 0] = False
    return places.expand(2, *shape), truth, inside


def test_slices_with_a_lesion_come_first_and_air_is_left_out():
    images, truth, inside = volume()
    held = slices_of(images, truth, inside, torch.Generator().manual_seed(0))
    assert held.lesion == 2
    assert held.images.shape == (11, 2, 6, 9)
    assert held.truth.flatten(1).any(1).tolist() == [True] * 2 + [False] * 9
    numbers = (held.images[:, 0, 0, 0].float() * 1000).round().long()  # the first voxel tells the slice
    assert sorted(numbers.tolist()) == list(range(1, 12))
    assert set(numbers[:2].tolist()) == {3, 4}


def test_a_large_volume_is_not_held_whole():
    images, truth, inside = volume((2, 2, 200), slice(0, 100))
    held = slices_of(images, truth, inside, torch.Generator())
    assert (len(held.images), held.lesion) == (2 * HELD, HELD)


def test_half_of_a_batch_shows_a_lesion_and_truth_is_mirrored_with_the_image():
    subjects = [slices_of(*volume(), torch.Generator()), slices_of(*volume((10, 4, 12)), torch.Generator())]
    images, truth = draw(subjects, 64, torch.Generator().manual_seed(0))
    assert images.shape == (64, 2, 16, 16)
    assert truth.shape == (64, 1, 16, 16)
    shown = truth.flatten(1).any(1)
    assert shown[::2].all()
    assert 0 < shown[1::2].sum() < 32
    mirrored = images[:, 0, -1].any(1)  # the padding is at the far end, unless the slice is mirrored
    assert 10 < mirrored.sum() < 54
    assert torch.equal(truth[:, 0, -1].any(1), mirrored & shown)
    assert torch.equal(truth[:, 0, 0].any(1), ~mirrored & shown)
