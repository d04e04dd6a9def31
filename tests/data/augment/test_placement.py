from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from anysyn.data.augment.placement import Flip, Shift, translated


def test_left_and_right_change_places_wherever_their_axis_is():
    images = torch.rand(2, 3, 4, 5, 6)
    everyone = Flip(probability=1.0)
    assert torch.equal(everyone(images, (2, 0, 1), torch.Generator()), images.flip(3))
    assert torch.equal(everyone(images, (0, 1, 2), torch.Generator()), images.flip(2))
    assert torch.equal(everyone(images[:, :, 0], (1, 2), torch.Generator()), images[:, :, 0])


def test_the_generator_decides_for_each_sample():
    images = torch.rand(400, 1, 3, 2)
    first, again = (Flip()(images, (0, 1), torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    turned = (first == images.flip(2)).flatten(1).all(1)
    same = (first == images).flatten(1).all(1)
    assert (turned ^ same).all()
    assert 140 < int(turned.sum()) < 260


@pytest.mark.parametrize("steps", [(0, 0), (2, -3), (-1, 9)])
def test_moving_is_scipys_with_the_border_continued(steps):
    image = torch.rand(2, 6, 7)
    expected = np.stack([ndimage.shift(one.numpy(), steps, order=0, mode="nearest") for one in image])
    assert np.array_equal(translated(image, steps).numpy(), expected)


def test_all_modalities_of_a_sample_move_alike_and_samples_apart():
    one = torch.rand(8, 9, 10)
    images = one.expand(40, 2, 8, 9, 10)
    found = Shift(most=2)(images, (0, 1, 2), torch.Generator().manual_seed(0))
    assert torch.equal(found[:, 0], found[:, 1])
    places = {tuple((image == one[4, 4, 5]).nonzero()[0].tolist()) for image in found[:, 0]}
    assert len(places) > 20
    assert all(abs(a - b) <= 2 for place in places for a, b in zip(place, (4, 4, 5), strict=True))


@pytest.mark.parametrize(("part", "keys"), [(Flip, {"probability": 2.0}), (Shift, {"most": -1})])
def test_keys_out_of_range_are_refused(part, keys):
    with pytest.raises(ValueError, match=next(iter(keys))):
        part(**keys)
