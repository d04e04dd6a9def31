from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anysyn.data.boxes import Box, Mosaic, centred, cut, raised_cosine, starts

lengths = st.integers(1, 60)


@given(lengths, lengths, st.floats(0, 0.95))
def test_pieces_cover_a_length_and_overlap_enough(length, size, overlap):
    found = starts(length, size, overlap)
    if length <= size:
        assert found == [centred(length, size)]
        assert found[0] <= 0
        assert found[0] + size >= length
        return
    assert found[0] == 0
    assert found[-1] == length - size
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


@pytest.mark.parametrize("length", [2, 8, 64])
def test_half_overlapping_weights_add_up_to_one(length):
    weight = raised_cosine(length)
    torch.testing.assert_close(weight[: length // 2] + weight[length // 2 :], torch.ones(length // 2))
    assert weight.min() > 0
    torch.testing.assert_close(weight, weight.flip(0))


def test_overlapping_answers_blend_smoothly_from_one_to_the_other():
    mosaic = Mosaic((1, 1, 12), torch.zeros(1))
    mosaic.put(Box((0, 0, 0), (1, 1, 8)), torch.zeros(1, 1, 1, 8))
    mosaic.put(Box((0, 0, 4), (1, 1, 8)), torch.ones(1, 1, 1, 8))
    line = mosaic.images()[0, 0, 0]
    assert line[:4].eq(0).all()
    assert line[8:].eq(1).all()
    np.testing.assert_allclose(line[4:8], np.sin(np.pi * (np.arange(4) + 0.5) / 8) ** 2, rtol=1e-5)


def test_where_no_box_lies_is_air():
    mosaic = Mosaic((2, 2, 4), torch.tensor([0.0, -1.0]))
    mosaic.put(Box((0, 0, 0), (2, 2, 2)), torch.ones(2, 2, 2, 2))
    images = mosaic.images()
    assert images[:, :, :, :2].eq(1).all()
    assert images[0, :, :, 2:].eq(0).all()
    assert images[1, :, :, 2:].eq(-1).all()
