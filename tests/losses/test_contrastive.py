import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anysyn.losses.contrastive import cosines, mean_similarity, supervised_infonce, symmetric_cross_entropy


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


def pairs_by_loops(v, t, scale):
    """Eqs. 1 to 3 of TUMSyn, a pair at a time; the embeddings need not be of length one."""

    def cosine(a, b):
        return float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))

    count, total = len(v), 0.0
    for i in range(count):
        image = math.exp(scale * cosine(v[i], t[i])) / sum(math.exp(scale * cosine(v[i], t[j])) for j in range(count))
        text = math.exp(scale * cosine(t[i], v[i])) / sum(math.exp(scale * cosine(t[i], v[j])) for j in range(count))
        total -= math.log(image) + math.log(text)
    return total / (2 * count)


@pytest.mark.parametrize("scale", [1.0, 1 / 0.07])
def test_the_loss_of_pairs_is_equations_1_to_3_in_loops(scale):
    v, t = 3 * rows(5), 0.2 * rows(5, seed=1)
    found = symmetric_cross_entropy(v, t, torch.arange(5), scale)
    assert found.item() == pytest.approx(pairs_by_loops(v, t, scale), rel=1e-4)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=7), st.integers(0, 99))
def test_pairs_with_the_same_text_are_never_each_other_s_negatives(groups, seed):
    v, texts, numbers = rows(len(groups), seed), rows(4, seed + 1), torch.tensor(groups)
    v.requires_grad_()
    symmetric_cross_entropy(v, texts[numbers], numbers, 5.0).backward()
    for i, group in enumerate(groups):  # each image alone against the other texts, and itself
        others = [j for j, other in enumerate(groups) if other != group]
        if not others:
            assert v.grad[i].abs().max() < 1e-6, "there is no other text, so nothing draws"
    alone = [groups.index(group) for group in sorted(set(groups))]
    if len(alone) == len(groups):
        assert symmetric_cross_entropy(v, texts[numbers], numbers, 5.0).item() == pytest.approx(
            pairs_by_loops(v.detach(), texts[numbers], 5.0), rel=1e-4
        )


@given(st.integers(0, 99))
def test_one_more_image_of_a_text_adds_to_no_sum_of_its_own_text(seed):
    """With the twin's texts left out, an image is compared with its own text and those of others alone."""
    v, t = rows(3, seed), rows(3, seed + 1)
    t[1] = t[0]
    cos = v @ t.T
    sums = [  # (image, the texts in its sum), then (text, the images in its sum)
        -cos[0, 0] + torch.logsumexp(cos[0, [0, 2]], 0),
        -cos[1, 1] + torch.logsumexp(cos[1, [1, 2]], 0),
        -cos[2, 2] + torch.logsumexp(cos[2], 0),
        -cos[0, 0] + torch.logsumexp(cos[[0, 2], 0], 0),
        -cos[1, 1] + torch.logsumexp(cos[[1, 2], 1], 0),
        -cos[2, 2] + torch.logsumexp(cos[:, 2], 0),
    ]
    found = symmetric_cross_entropy(v, t, torch.tensor([7, 7, 1]), 1.0)
    assert found.item() == pytest.approx(torch.stack(sums).mean().item(), rel=1e-4)


def test_pairs_are_compared_in_full_precision_under_autocast():
    v, t = rows(6).float(), rows(6, seed=1).float()
    with torch.autocast("cpu", torch.bfloat16):
        found = symmetric_cross_entropy(v, t, torch.arange(6), 100.0)
    torch.testing.assert_close(found, symmetric_cross_entropy(v, t, torch.arange(6), 100.0))
