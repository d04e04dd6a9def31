"""The arithmetic is what it claims to be: exact, bounded, and the same in the layer behind it."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from anysyn.nn.arithmetic import Affine, bounded_scale, compose, fold_affine, invert
from anysyn.ops import scale_and_shift


def contrast(seed, channels=6):
    generator = torch.Generator().manual_seed(seed)
    return Affine(
        bounded_scale(3 * torch.randn(2, channels, generator=generator), 8.0),
        torch.randn(2, channels, generator=generator),
    )


def test_there_and_back_is_the_identity():
    features = torch.randn(2, 6, 5, 4)
    for one, other in ((contrast(0), contrast(0)), (contrast(0), contrast(1))):
        there = scale_and_shift(scale_and_shift(features, *invert(one)), *other)
        back = scale_and_shift(scale_and_shift(there, *invert(other)), *one)
        torch.testing.assert_close(back, features, atol=1e-5, rtol=1e-5)
    same = scale_and_shift(scale_and_shift(features, *invert(contrast(0))), *contrast(0))
    torch.testing.assert_close(same, features, atol=1e-5, rtol=1e-5)


def test_the_inverse_is_the_published_formula():
    features, (alpha, beta) = torch.randn(2, 6, 5), contrast(3)
    expected = (features - beta[..., None]) / alpha[..., None]
    torch.testing.assert_close(scale_and_shift(features, *invert(Affine(alpha, beta))), expected)


def test_both_together_are_gamma_and_delta():
    source, target = contrast(1), contrast(2)
    gamma = target.scale / source.scale
    both = compose(invert(source), target)
    torch.testing.assert_close(both.scale, gamma)
    torch.testing.assert_close(both.shift, target.shift - source.shift * gamma, atol=1e-5, rtol=1e-5)


@given(st.floats(-1e6, 1e6), st.floats(1.01, 100))
def test_alpha_is_positive_bounded_and_symmetric(z, bound):
    alpha, inverse = (bounded_scale(torch.tensor(x, dtype=torch.float64), bound).item() for x in (z, -z))
    assert 1 / bound <= alpha * (1 + 1e-12)
    assert alpha <= bound * (1 + 1e-12)
    assert math.isclose(alpha * inverse, 1, rel_tol=1e-9)


def test_a_folded_layer_answers_the_same():
    torch.manual_seed(0)
    layer, rows, affine = torch.nn.Linear(6, 9), torch.randn(2, 50, 6), contrast(4)
    expected = layer(rows * affine.scale.unsqueeze(1) + affine.shift.unsqueeze(1))
    weight, bias = fold_affine(layer.weight, layer.bias, affine)
    torch.testing.assert_close(rows @ weight.mT + bias.unsqueeze(1), expected, atol=1e-5, rtol=1e-5)
