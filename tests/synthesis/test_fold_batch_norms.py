"""Folding a batch norm changes no answer, and touches nothing that it must not."""

import pytest
import torch
from torch import nn

from anysyn.synthesis.fold_batch_norms import fold_batch_norms


def seen(module):
    """Show a module something, so that its batch norms have statistics, and end its training."""
    torch.manual_seed(0)
    for _ in range(3):
        module(3 * torch.randn(4, 2, 9, 9) + 1)
    return module.eval()


def same(module):
    images = torch.randn(2, 2, 9, 9)
    expected = module(images)
    torch.testing.assert_close(fold_batch_norms(module)(images), expected, atol=1e-6, rtol=1e-5)


def left(module):
    return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())


def test_sequences_inside_a_network_are_folded():
    inner = nn.Sequential(nn.Conv2d(4, 4, 3, bias=False), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1), nn.BatchNorm2d(3))
    network = seen(nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), inner))
    same(network)
    assert left(network) == 0


def test_one_that_follows_no_convolution_stays():
    network = seen(nn.Sequential(nn.BatchNorm2d(2), nn.Conv2d(2, 4, 3), nn.ReLU(), nn.BatchNorm2d(4)))
    same(network)
    assert left(network) == 2


def test_one_without_statistics_stays():
    network = seen(nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4, track_running_stats=False)))
    same(network)
    assert left(network) == 1


def test_a_shared_convolution_is_folded_in_each_place_by_its_own():
    shared = nn.Conv2d(2, 2, 3)
    network = seen(nn.Sequential(shared, nn.BatchNorm2d(2), nn.ReLU(), shared, nn.BatchNorm2d(2), shared))
    same(network)
    assert left(network) == 0


def test_a_network_in_training_is_refused():
    with pytest.raises(ValueError, match="eval"):
        fold_batch_norms(nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4)))
