"""What the instance normalisation of the decoder lets through, and the pyramids that it takes."""

import pytest
import torch

from anysyn.decoders import SwinUNETRDecoder
from anysyn.types import Features

WIDTHS, STRIDES, TARGETS = (8, 12, 16), (1, 2, 4), torch.tensor([[0]])


def pyramid(widths=WIDTHS, strides=STRIDES, size=64):
    generator = torch.Generator().manual_seed(0)
    *skips, deep = (
        torch.rand(1, width, size // stride, size // stride, generator=generator)
        for width, stride in zip(widths, strides, strict=True)
    )
    return Features(tuple(skips), deep)


def change(site, act):
    """Return how much the middle of the image changes, beside its own spread, when a site is acted on."""
    torch.manual_seed(0)
    decoder, features = SwinUNETRDecoder(widths=WIDTHS, strides=STRIDES, dimensions=2), pyramid()
    code = torch.randn(1, next(s.channels for s in decoder.sites if s.name == site), 1, 1)
    with torch.no_grad():
        plain = decoder(features, TARGETS)
        acted = decoder(features, TARGETS, lambda at, x: act(x, code) if at == site else x)
    middle = (..., slice(16, -16), slice(16, -16))  # zero padding lets a shift be felt at the border
    return ((acted - plain)[middle].std() / plain[middle].std()).item()


def shift(x, code):
    return x + code * x.std()


def scale(x, code):
    return x * (1 + 0.5 * code)


@pytest.mark.parametrize("site", ["decoder/skip0", "decoder/skip1"])
def test_a_shift_of_a_skip_is_lost_but_a_scale_is_not(site):
    assert change(site, shift) < 0.05 < 0.1 < change(site, scale)


@pytest.mark.parametrize("site", ["decoder/in", "decoder/block0", "decoder/block1"])
def test_a_shift_before_a_transposed_convolution_acts(site):
    assert change(site, shift) > 0.05


@pytest.mark.parametrize("strides", [(1, 2, 4), (1, 1, 2), (1, 4, 8)])
def test_it_takes_any_pyramid_whose_strides_divide(strides):
    decoder = SwinUNETRDecoder(widths=WIDTHS, strides=strides, dimensions=2)
    assert decoder(pyramid(strides=strides), TARGETS).shape == (1, 1, 64, 64)
