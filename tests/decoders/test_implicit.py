"""What the implicit decoders share: published weights, coarse features, slabs."""

import pytest
import torch
from side_by_side.liif_published import liif_published
from torch import nn

from anysyn.decoders import LIIFDecoder, TrilinearDecoder
from anysyn.points import Lattice, Points, lattice, sample_at
from anysyn.types import Features

TARGET = torch.zeros(2, 1, dtype=torch.long)
MAKERS = pytest.mark.parametrize("maker", [LIIFDecoder, TrilinearDecoder])


def made(maker, stride=1, dimensions=2, depth=1, **more):
    torch.manual_seed(0)
    keys = {"hidden": (16, 16), **more}
    return maker(widths=(4, 6), strides=(1, stride), dimensions=dimensions, depth=depth, **keys)


def deep(*size):
    return Features((), torch.randn(2, 6, *size, generator=torch.Generator().manual_seed(1)))


def test_weights_of_the_published_liif_load_and_mean_the_same(tmp_path):
    shapes = [(256, 580), *[(256, 256)] * 3, (3, 256)]
    torch.manual_seed(0)
    weights = {"encoder.head.0.weight": torch.rand(64, 3, 3, 3)}
    for i, (outputs, inputs) in enumerate(shapes):
        weights[f"imnet.layers.{2 * i}.weight"] = torch.randn(outputs, inputs) / inputs**0.5
        weights[f"imnet.layers.{2 * i}.bias"] = torch.randn(outputs) / 10
    torch.save({"model": {"name": "liif", "sd": weights}, "epoch": 1000}, tmp_path / "liif.pth")

    read = torch.load(tmp_path / "liif.pth", weights_only=True)["model"]["sd"]
    decoder = LIIFDecoder(widths=(64,), strides=(1,), dimensions=2, depth=3)
    decoder.load_state_dict({key: w for key, w in read.items() if key.startswith("imnet.")})

    features, finer = torch.randn(2, 64, 6, 8), lattice([6, 8], onto=[15, 20])
    linears = [layer for layer in decoder.imnet.layers if isinstance(layer, nn.Linear)]
    expected = liif_published(features, linears, finer.points(2).at, finer.step).movedim(-1, 1)  # (B, 3, Q)
    slices = Lattice((lattice([3]).axes[0], *finer.axes), (1.0, *finer.step))
    colours = decoder(Features((), features), TARGET, places=slices)  # (B, 1, 3, *N)
    torch.testing.assert_close(colours.squeeze(1).flatten(2), expected, atol=1e-5, rtol=0)


@MAKERS
@pytest.mark.parametrize("dimensions", [2, 3])
def test_coarse_features_answer_on_the_grid_of_the_input(maker, dimensions):
    decoder, features = made(maker, stride=4, dimensions=dimensions), deep(*(2, 3, 2)[:dimensions])
    size = [4 * n for n in features.deep.shape[2:]]
    whole = decoder(features, TARGET)
    assert whole.shape == (2, 1, *size)
    asked = lattice(size)
    torch.testing.assert_close(decoder(features, TARGET, places=asked), whole)
    at_points = decoder(features, TARGET, places=asked.points(2))
    torch.testing.assert_close(at_points, whole.flatten(2), atol=1e-6, rtol=1e-5)


@MAKERS
def test_the_size_of_the_voxels_that_are_asked_for_counts(maker):
    decoder, features = made(maker), deep(4, 6)
    fine, coarse = (
        decoder(features, TARGET, places=Points(torch.zeros(2, 1, 2), torch.full((2, 2), s))) for s in (0.5, 2)
    )
    assert not torch.allclose(fine, coarse)


@MAKERS
def test_between_the_slices_of_a_slab_it_interpolates(maker):
    decoder, features = made(maker, depth=3), deep(6, 8)
    slab = decoder(features, TARGET)
    assert slab.shape == (2, 1, 3, 6, 8)
    finer = lattice([3, 6, 8], onto=[7, 6, 8])
    expected = sample_at(slab, finer)
    torch.testing.assert_close(decoder(features, TARGET, places=finer), expected, atol=1e-5, rtol=0)
    listed = decoder(features, TARGET, places=finer.points(2))
    torch.testing.assert_close(listed, expected.flatten(2), atol=1e-5, rtol=0)


@MAKERS
def test_it_is_laid_out_without_memory(maker):
    with torch.device("meta"):
        decoder = made(maker, stride=2, dimensions=3)
        features = Features((), torch.zeros(2, 6, 4, 4, 4))
        assert decoder(features, TARGET.to("meta")).shape == (2, 1, 8, 8, 8)
