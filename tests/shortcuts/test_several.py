import pytest
import torch

from anysyn.shortcuts import Gain, Perceptron, Sum
from anysyn.types import Batch, Query


def test_a_sum_adds_what_its_shortcuts_answer_each_under_its_own_modulation():
    images, query = torch.rand(2, 3, 4, 5), Query(torch.tensor([[0, 1]] * 2), torch.tensor([[2]] * 2))
    gain, perceptron = Gain(modalities=3, initial=0.5), Perceptron(modalities=3, hidden=(4,))

    def halved(site, features):
        return features / 2

    answer = Sum(of=[gain, perceptron])(Batch.complete(images), query, halved)
    torch.testing.assert_close(
        answer, gain(Batch.complete(images), query) + perceptron(Batch.complete(images), query, halved)
    )
    assert [site.name for site in Sum(of=[gain, perceptron]).sites] == ["shortcut/block0"]


def test_a_sum_of_nothing_and_sites_of_one_name_are_refused():
    with pytest.raises(ValueError, match="it needs one, and each site once"):
        Sum(of=[])
    with pytest.raises(ValueError, match="each site once"):
        Sum(of=[Perceptron(modalities=3), Perceptron(modalities=3)])
