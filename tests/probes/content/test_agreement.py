"""Correlation and concordance of feature maps, against SciPy and the published formula."""

import numpy as np
import pytest
import torch
from scipy.stats import pearsonr

from anysyn.probes.content.agreement import agreement


def maps(count, seed, channels=3, places=40):
    return torch.randn(count, channels, places, generator=torch.Generator().manual_seed(seed))


def concordance(a, b):
    return 2 * np.cov(a, b, bias=True)[0, 1] / (a.var() + b.var() + (a.mean() - b.mean()) ** 2)


def test_each_map_is_compared_with_each_channel_by_channel():
    first, second = maps(2, 0), maps(3, 1)
    second[1] = 2 * first[0] + 1
    found = agreement(first, second)
    assert found.correlation.shape == found.concordance.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            pairs = list(zip(first[i].double().numpy(), second[j].double().numpy(), strict=True))
            assert found.correlation[i, j].item() == pytest.approx(np.mean([pearsonr(*pair)[0] for pair in pairs]))
            assert found.concordance[i, j].item() == pytest.approx(np.mean([concordance(*pair) for pair in pairs]))
    assert found.correlation[0, 1].item() == pytest.approx(1)
    assert found.concordance[0, 1].item() < 0.9


def test_a_scale_and_an_offset_of_both_change_nothing_and_of_one_change_the_concordance():
    first, second = maps(1, 0), maps(1, 0) + 0.5 * maps(1, 1)
    scale, shift = torch.tensor([[0.01], [3.0], [500.0]]), torch.tensor([[7.0], [-1.0], [0.0]])
    plain, both = agreement(first, second), agreement(scale * first + shift, scale * second + shift)
    for a, b in zip(plain, both, strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=0)
    one = agreement(scale * first + shift, second)
    torch.testing.assert_close(one.correlation, plain.correlation, atol=1e-4, rtol=0)
    assert one.concordance.item() < plain.concordance.item() - 0.1


def test_a_channel_that_does_not_vary_is_left_out():
    first, second = maps(1, 0), maps(1, 1)
    first[0, 1] = 3.3
    kept = [0, 2]
    found, without = agreement(first, second), agreement(first[:, kept], second[:, kept])
    assert found == without
    assert agreement(first[:, 1:2], second[:, 1:2]).correlation.isnan().all()
    assert agreement(first[:, :, :0], second[:, :, :0]).correlation.isnan().all()
