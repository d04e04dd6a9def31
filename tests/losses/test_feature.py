"""Losses between features: against independent formulas, and what a free scale does to each of them."""

import numpy as np
import pytest
import torch
from toys import batch_of, query_of

from anysyn.errors import RecipeError
from anysyn.losses import FeatureCorrelation, FeatureL1
from anysyn.losses.feature import channel_correlation, feature_map_distance
from anysyn.nn.arithmetic import bounded_scale
from anysyn.types import Features, Outcome


def test_distance_is_mse_plus_l1_averaged_over_levels():
    torch.manual_seed(0)
    first = [torch.rand(2, 3, 8, 8), torch.rand(2, 5, 4, 4)]
    second = [torch.rand_like(x) for x in first]
    for row in range(2):
        levels = [
            torch.nn.functional.mse_loss(a[row], b[row]) + torch.nn.functional.l1_loss(a[row], b[row])
            for a, b in zip(first, second, strict=True)
        ]
        torch.testing.assert_close(feature_map_distance(first, second)[row], sum(levels) / 2)


def features_of(seed, shapes=((3, 8, 6), (5, 4, 3))):
    generator = torch.Generator().manual_seed(seed)
    *skips, deep = (torch.randn(2, *shape, generator=generator).requires_grad_() for shape in shapes)
    return Features(tuple(skips), deep)


def outcome(there, back, mask=((True,), (True,))):
    batch, query, mask = batch_of((8, 6)), query_of(), torch.tensor(mask)
    image = torch.zeros(2, 1, 8, 6)
    other = Outcome(batch, query.reversed(), image, image, mask, back)
    return Outcome(batch, query, image, image, mask, there, other)


def numpy_of(features, row):
    return [x.detach()[row].double().numpy() for x in (*features.skips, features.deep)]


@pytest.mark.parametrize("rows", [(0, 1), (1,)])
def test_both_forms_are_what_numpy_computes_where_a_pair_is_whole(rows):
    there, back = features_of(0), features_of(1)
    held = outcome(there, back, [[row in rows] for row in range(2)])
    absolute, correlated = [], []
    for level in range(2):
        pairs = [(numpy_of(there, row)[level], numpy_of(back, row)[level]) for row in rows]
        absolute.append(np.mean([np.abs(a - b) for a, b in pairs]))
        correlated.append(
            np.mean([1 - np.corrcoef(x.ravel(), y.ravel())[0, 1] for a, b in pairs for x, y in zip(a, b, strict=True)])
        )
    assert FeatureL1()(held).item() == pytest.approx(np.mean(absolute), rel=1e-5)
    assert FeatureCorrelation()(held).item() == pytest.approx(np.mean(correlated), rel=1e-5)


@pytest.mark.parametrize("kind", [FeatureL1, FeatureCorrelation])
def test_the_gradient_reaches_both_encodings_of_whole_pairs_alone(kind):
    there, back = features_of(0), features_of(1)
    kind()(outcome(there, back, [[False], [True]])).backward()
    for features in (there, back):
        for x in (*features.skips, features.deep):
            assert not x.grad[0].any()
            assert x.grad[1].any()


@pytest.mark.parametrize("kind", [FeatureL1, FeatureCorrelation])
def test_without_a_whole_pair_it_is_zero_and_nothing_is_read(kind):
    there, back = features_of(0), features_of(1)
    value = kind()(outcome(there, back, [[False], [False]]))
    value.backward()
    assert value.item() == 0
    assert not there.deep.grad.any()
    with torch.no_grad():
        there.deep[0] = float("nan")
    assert torch.isfinite(kind()(outcome(there, back, [[False], [True]])))


@pytest.mark.parametrize("kind", [FeatureL1, FeatureCorrelation])
def test_one_way_alone_is_refused(kind):
    with pytest.raises(RecipeError, match="both ways; use the objective two_way"):
        kind()(outcome(features_of(0), features_of(1))._replace(reverse=None))


def test_the_correlation_has_no_scale_and_the_l1_form_has():
    there, back = features_of(0), features_of(1)

    def scaled(features, factor, offset=0.0):
        return Features(tuple(factor * x + offset for x in features.skips), factor * features.deep + offset)

    for factor in (1e-4, 1.0, 1e4):
        held = outcome(scaled(there, factor, 3 * factor), scaled(back, 2 * factor))
        torch.testing.assert_close(FeatureCorrelation()(held), FeatureCorrelation()(outcome(there, back)))
    shrunk = outcome(scaled(there, 1e-4), scaled(back, 1e-4))
    torch.testing.assert_close(FeatureL1()(shrunk), 1e-4 * FeatureL1()(outcome(there, back)))


def test_a_channel_that_does_not_vary_has_no_correlation_and_no_gradient():
    x = torch.full((1, 3, 50), 0.1).requires_grad_()
    y = torch.randn(1, 3, 50, generator=torch.Generator().manual_seed(0)).requires_grad_()
    correlation = channel_correlation(x, y)
    correlation.sum().backward()
    assert correlation.tolist() == [[0, 0, 0]]
    assert torch.isfinite(x.grad).all()
    assert not x.grad.any()
    assert channel_correlation(torch.zeros(1, 1, 4), torch.zeros(1, 1, 4)).tolist() == [[0]]


def test_half_precision_is_compared_in_full():
    x, y = (100 + torch.randn(1, 2, 4000, generator=torch.Generator().manual_seed(n)) for n in (0, 1))
    x, y = x.to(torch.bfloat16), y.to(torch.bfloat16)
    torch.testing.assert_close(channel_correlation(x, y), channel_correlation(x.double(), y.double()))


def train_arithmetic(form, scale_of):
    """Train alpha and beta of two modalities on fixed features; return the image loss and the scale of the content."""
    generator = torch.Generator().manual_seed(0)
    anatomy, *noise = torch.randn(3, 1, 4, 200, generator=generator)
    x, y = 1.5 * anatomy + 0.3 + 0.2 * noise[0], 0.7 * anatomy - 0.1 + 0.2 * noise[1]  # (1, C, N) each
    z, beta = torch.zeros(2, 4, 1, requires_grad=True), torch.zeros(2, 4, 1, requires_grad=True)
    optimizer = torch.optim.Adam([z, beta], lr=0.2)
    for _ in range(200):
        alpha = scale_of(z)
        content = (x - beta[0]) / alpha[0], (y - beta[1]) / alpha[1]
        errors = alpha[1] * content[0] + beta[1] - y, alpha[0] * content[1] + beta[0] - x
        image = sum(error.abs().mean() for error in errors) / 2
        optimizer.zero_grad()
        (image + form.between(*content)).backward()
        optimizer.step()
    return image.item(), content[0].std().item() / x.std().item()


def test_a_free_alpha_shrinks_the_content_and_a_bounded_one_or_the_correlation_does_not():
    def bounded(z):
        return bounded_scale(z, 8.0)

    cases = ((FeatureL1(), torch.exp), (FeatureL1(), bounded), (FeatureCorrelation(), torch.exp))
    errors, (free, held, correlated) = zip(*(train_arithmetic(*case) for case in cases), strict=True)
    assert max(errors) < 1.02 * min(errors), "the images do not tell"
    assert free < 0.05
    assert held > 1 / 8
    assert correlated > 0.5
