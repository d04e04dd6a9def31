from __future__ import annotations

import numpy as np
import pytest
import torch

from anysyn.data.geometry.boxes import Box
from anysyn.data.geometry.output_grid import Raster
from anysyn.synthesis.tiling.blending_weights import raised_cosine
from anysyn.synthesis.tiling.tile_blending import BlendedTiles


@pytest.mark.parametrize("length", [2, 8, 64])
def test_half_overlapping_weights_add_up_to_one(length):
    weight = raised_cosine((torch.arange(length) + 0.5) / length)
    torch.testing.assert_close(weight[: length // 2] + weight[length // 2 :], torch.ones(length // 2))
    assert weight.min() > 0
    torch.testing.assert_close(weight, weight.flip(0))


def test_overlapping_answers_blend_smoothly_from_one_to_the_other():
    blended = BlendedTiles(Raster.same((1, 1, 12)), torch.zeros(1))
    blended.put(Box((0, 0, 0), (1, 1, 8)), torch.zeros(1, 1, 1, 8))
    blended.put(Box((0, 0, 4), (1, 1, 8)), torch.ones(1, 1, 1, 8))
    line = blended.images()[0, 0, 0]
    assert line[:4].eq(0).all()
    assert line[8:].eq(1).all()
    np.testing.assert_allclose(line[4:8], np.sin(np.pi * (np.arange(4) + 0.5) / 8) ** 2, rtol=1e-5)


def test_where_no_box_lies_is_air():
    blended = BlendedTiles(Raster.same((2, 2, 4)), torch.tensor([0.0, -1.0]))
    blended.put(Box((0, 0, 0), (2, 2, 2)), torch.ones(2, 2, 2, 2))
    images = blended.images()
    assert images[:, :, :, :2].eq(1).all()
    assert images[0, :, :, 2:].eq(0).all()
    assert images[1, :, :, 2:].eq(-1).all()
