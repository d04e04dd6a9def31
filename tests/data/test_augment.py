from __future__ import annotations

import pytest
import torch

from anysyn.data.augment import Flip


def test_left_and_right_change_places_wherever_their_axis_is():
    images = torch.rand(2, 3, 4, 5, 6)
    everyone = Flip(probability=1.0)
    assert torch.equal(everyone(images, (2, 0, 1), torch.Generator()), images.flip(3))
    assert torch.equal(everyone(images, (0, 1, 2), torch.Generator()), images.flip(2))


def test_slices_without_left_and_right_stay():
    images = torch.rand(2, 3, 4, 5)
    assert torch.equal(Flip(probability=1.0)(images, (1, 2), torch.Generator()), images)


def test_the_generator_decides_for_each_sample():
    images = torch.rand(400, 1, 3, 2)
    first, again = (Flip()(images, (0, 1), torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
    turned = (first == images.flip(2)).flatten(1).all(1)
    same = (first == images).flatten(1).all(1)
    assert (turned ^ same).all()
    assert 140 < int(turned.sum()) < 260


def test_a_probability_is_one():
    with pytest.raises(ValueError, match="probability"):
        Flip(probability=2.0)
