"""The pointwise decoder reads each voxel by itself, and answers in chunks as at once."""

import pytest
import torch
from toys import EVERY, encoder_of

from anysyn.decoders import MLPDecoder
from anysyn.types import Features


def test_it_is_the_published_form_of_1x1_convolutions():
    torch.manual_seed(0)
    decoder = MLPDecoder(widths=(6,), strides=(1,), dimensions=2, depth=4, hidden=(9, 7))
    x = features = torch.randn(2, 6, 5, 8)
    for layer in decoder.mlp.layers:
        linear = isinstance(layer, torch.nn.Linear)
        x = torch.conv2d(x, layer.weight[..., None, None], layer.bias) if linear else x.relu()
    answer = decoder(Features((), features), EVERY[:2])
    torch.testing.assert_close(answer[:, 0], x, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dimensions", [2, 3])
def test_chunks_change_nothing(dimensions):
    torch.manual_seed(0)
    size = (5, 8, 6)[:dimensions]
    decoder = MLPDecoder(widths=(6,), strides=(2,), dimensions=dimensions, hidden=(9,), chunk=13)
    features = Features((), torch.randn(2, 6, *size))
    with torch.no_grad():
        chunked = decoder(features, EVERY[:2])
    torch.testing.assert_close(chunked, decoder(features, EVERY[:2]), atol=1e-6, rtol=1e-5)
    assert chunked.shape == (2, 1, *(2 * n for n in size))


def test_cells_become_voxels_as_in_a_pixel_shuffle():
    decoder = MLPDecoder(widths=(6,), strides=(2,), dimensions=2, depth=3, hidden=(9,))
    features = torch.randn(2, 6, 5, 4)
    cells = decoder.mlp(features.movedim(1, -1)).movedim(-1, 1)
    expected = torch.pixel_shuffle(cells, 2).unsqueeze(1)
    torch.testing.assert_close(decoder(Features((), features), EVERY[:2]), expected, atol=1e-6, rtol=1e-5)


def test_it_answers_behind_an_encoder_with_a_stride():
    encoder = encoder_of("unet", 2)
    decoder = MLPDecoder(widths=encoder.widths, strides=encoder.strides, dimensions=2, hidden=(8,))
    features = encoder(torch.rand(1, 4, 16, 24), EVERY[:1])
    assert decoder(features, EVERY[:1]).shape == (1, 1, 16, 24)
