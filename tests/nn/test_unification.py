"""Unification of sources: maximum and attention over those that count, whatever their number and order."""

import pytest
import torch

from anysyn.nn.unification import FeatureUnification, strongest, weighted_mean

COUNTS = torch.tensor([[True, False, True], [False, True, False], [True, True, True]])


def drawn(shape=(3, 3, 4, 5, 6)):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def test_both_are_what_a_loop_over_the_sources_gives():
    features, scores = drawn(), drawn((3, 3, 1, 5, 6))
    for row, counts in enumerate(COUNTS.tolist()):
        kept = [j for j, one in enumerate(counts) if one]
        hard = torch.stack([features[row, j] for j in kept]).amax(0)
        weights = torch.stack([scores[row, j].exp() for j in kept])
        soft = sum(w * features[row, j] for w, j in zip(weights / weights.sum(0), kept, strict=True))
        torch.testing.assert_close(strongest(features, COUNTS)[row], hard)
        torch.testing.assert_close(weighted_mean(features, scores, COUNTS)[row], soft)


@pytest.mark.parametrize("marker", [float("nan"), float("inf"), 1e30])
def test_a_source_that_does_not_count_is_never_read(marker):
    unify, features = FeatureUnification(dimensions=2, inputs=4, outputs=2), drawn()
    expected = unify(features, COUNTS)
    planted = features.masked_fill(~COUNTS[:, :, None, None, None], marker).requires_grad_()
    found = unify(planted, COUNTS)
    assert torch.equal(found, expected)
    found.square().sum().backward()
    assert torch.isfinite(planted.grad).all()
    assert not planted.grad[~COUNTS].any()


def test_without_a_mask_all_sources_count():
    unify, features = FeatureUnification(dimensions=2, inputs=4, outputs=2), drawn()
    assert torch.equal(unify(features), unify(features, torch.ones(3, 3, dtype=torch.bool)))


def test_the_order_and_the_number_of_places_do_not_matter():
    unify, features = FeatureUnification(dimensions=2, inputs=4, outputs=2), drawn()
    order = torch.tensor([2, 0, 1])
    turned = unify(features[:, order], COUNTS[:, order])
    torch.testing.assert_close(turned, unify(features, COUNTS))
    alone = unify(features[1:2, 1:2], torch.ones(1, 1, dtype=torch.bool))
    torch.testing.assert_close(alone, unify(features, COUNTS)[1:2])
