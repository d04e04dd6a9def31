import math

import pytest
import torch

from anysyn.losses.contrastive import cosines, mean_similarity, supervised_infonce


def rows(n, seed=0):
    z = torch.randn(n, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(z, dim=1)


def infonce_by_loops(z, groups, t):
    """Eq. 4 of OmniSyn, a pair at a time, averaged over the anchors."""
    terms = []
    for i in range(len(z)):
        partners = [p for p in range(len(z)) if p != i and groups[p] == groups[i]]
        if partners:
            below = sum(math.exp(float(z[i] @ z[a]) / t) for a in range(len(z)) if a != i)
            terms.append(-sum(math.log(math.exp(float(z[i] @ z[p]) / t) / below) for p in partners) / len(partners))
    return sum(terms) / len(terms)


@pytest.mark.parametrize("groups", [[0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 2], [5, 9, 9, 9, 9, 9]])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_infonce_is_equation_4_in_loops(groups, temperature):
    z = rows(6)
    expected = infonce_by_loops(z, groups, temperature)
    assert supervised_infonce(z, torch.tensor(groups), temperature).item() == pytest.approx(expected, rel=1e-5)


def test_mixed_precision_does_not_round_the_cosines():
    z = rows(6)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(cosines(z), (z @ z.T).float(), atol=1e-6, rtol=0)
        assert supervised_infonce(z, torch.tensor([0, 0, 1, 1, 2, 2]), 0.07).dtype == torch.float32


def test_similarity_is_the_mean_over_pairs():
    z, groups = rows(5), [0, 0, 1, 1, 1]
    pairs = [(i, j) for i in range(5) for j in range(5) if i != j and groups[i] == groups[j]]
    expected = sum(float(z[i] @ z[j]) for i, j in pairs) / len(pairs)
    assert mean_similarity(z, torch.tensor(groups)).item() == pytest.approx(expected, rel=1e-5)


def test_without_a_pair_there_is_nothing_to_learn():
    z = rows(3).requires_grad_()
    for loss in (supervised_infonce(z, torch.arange(3), 0.1), mean_similarity(z, torch.arange(3))):
        assert loss.item() == 0
        assert not torch.autograd.grad(loss, z)[0].any()


def test_pairs_that_agree_cost_less_than_pairs_that_do_not():
    z = torch.eye(3).repeat_interleave(2, 0)
    right, wrong = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 1, 1, 2, 2, 0])
    assert supervised_infonce(z, right, 0.1) < supervised_infonce(z, wrong, 0.1)
