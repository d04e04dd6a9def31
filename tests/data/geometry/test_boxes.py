from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anysyn.data.geometry.boxes import Box, centred, cut, starts
from anysyn.data.views import Patches

lengths = st.integers(1, 60)


@given(lengths, lengths, st.floats(0, 0.95))
def test_pieces_cover_a_length_and_overlap_enough(length, size, overlap):
    found = starts(length, size, overlap)
    if length <= size:
        assert found == [centred(length, size)]
        assert length - size <= found[0] <= 0
        return
    assert (found[0], found[-1]) == (0, length - size)
    gaps = np.diff(found)
    assert gaps.min() >= 1
    assert size - gaps.max() >= min(overlap * size, size - 1) - 1  # to a voxel


@pytest.mark.parametrize("overlap", [-0.1, 1.0])
def test_an_overlap_is_a_share(overlap):
    with pytest.raises(ValueError, match="overlap"):
        starts(10, 5, overlap)


@given(st.tuples(*[st.integers(-6, 6)] * 3), st.tuples(*[st.integers(1, 12)] * 3))
def test_cutting_equals_padding_with_numpy_first(start, size):
    shape = (6, 7, 8)
    if any(a + n <= 0 or a >= full for a, n, full in zip(start, size, shape, strict=True)):
        return
    images = torch.rand(2, *shape)
    padded = np.stack(
        [np.pad(one, 12, constant_values=air) for one, air in zip(images.numpy(), (0.5, -1), strict=True)]
    )
    there = tuple(slice(12 + a, 12 + a + n) for a, n in zip(start, size, strict=True))
    found = cut(images, Box(start, size), torch.tensor([0.5, -1.0]))
    np.testing.assert_array_equal(found.numpy(), padded[(slice(None), *there)])


def test_a_box_inside_is_a_view_and_costs_no_copy():
    images = torch.rand(2, 6, 7, 8)
    assert cut(images, Box((1, 1, 1), (3, 3, 3))).untyped_storage().data_ptr() == images.untyped_storage().data_ptr()


@pytest.mark.parametrize("halo", [0, 1, 2])
def test_between_the_halos_no_voxel_is_left_out_and_the_ends_of_the_volume_have_none(halo):
    shape, view = (23, 6, 12), Patches(size=(8, 8, 8), overlap=0.1, halo=halo)
    count = torch.zeros(shape)
    for box in view.cover(shape, view.overlap):
        kept = box.kept(shape, halo)
        count[kept.inside(shape)] += 1
        assert all(a == 0 or a == b + halo for a, b in zip(kept.start, box.start, strict=True))
        assert torch.equal(cut(torch.ones(1, *shape), box)[(slice(None), *box.of(kept))], torch.ones(1, *kept.size))
    assert count.min() >= 1
