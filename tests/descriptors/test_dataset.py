"""The code of a dataset: sines of its number, an MLP, and the mean of several."""

import math

import pytest
import torch
from toys import batch_of, query_of

from anysyn.conditioners import FiLM
from anysyn.descriptors import DatasetCode
from anysyn.descriptors.dataset import OneDataset, sinusoidal_code
from anysyn.registry import build
from anysyn.types import Site


def told(dataset):
    batch = batch_of((4, 4), samples=len(dataset))
    return type(batch)(batch.images, batch.available, dataset, batch.spacing)


def test_the_code_is_that_of_a_loop():
    code = sinusoidal_code(torch.tensor([0, 3]), 8)
    for row, number in enumerate((0, 3)):
        angles = [number / 10000 ** (k / 4) for k in range(4)]
        expected = [*(math.sin(a) for a in angles), *(math.cos(a) for a in angles)]
        torch.testing.assert_close(code[row], torch.tensor(expected), atol=1e-6, rtol=1e-5)


def test_datasets_differ_and_samples_are_told_their_own():
    descriptor = DatasetCode(width=8)
    tokens = descriptor(told(torch.tensor([2, 0, 2])), query_of(samples=3)).target
    assert torch.equal(tokens[0], tokens[2])
    assert not torch.equal(tokens[0], tokens[1])


def test_shares_mix_the_embeddings():
    descriptor = DatasetCode(width=8)
    one, two, three = descriptor.embedding(torch.arange(3))
    shares = torch.tensor([[1.0, 0, 0], [1 / 3] * 3, [0, 0.25, 0.75]])
    expected = torch.stack([one, (one + two + three) / 3, 0.25 * two + 0.75 * three])
    found = descriptor(told(shares), query_of(samples=3))
    torch.testing.assert_close(found.source[:, 0], expected)
    assert torch.equal(found.source, found.target)


def test_film_modulates_by_the_dataset_as_equation_3_says():
    film = FiLM(sites=[Site("encoder/block0", 4)], reads=DatasetCode(width=8))
    for parameter in film.heads.parameters():
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(0))
    batch, features = told(torch.tensor([0, 1])), torch.rand(2, 4, 5, 5)
    found = film(features, film.embed(batch, query_of()), "encoder/block0")
    (head,) = film.heads.values()
    for row in range(2):
        embedding = film.reads.mlp(sinusoidal_code(torch.tensor([row]), 64))[0]
        gamma, beta = (head.weight @ embedding + head.bias).chunk(2)
        expected = features[row] * (gamma + 1)[:, None, None] + beta[:, None, None]
        torch.testing.assert_close(found[row], expected)


def test_an_odd_code_is_refused():
    with pytest.raises(ValueError, match="even number"):
        build("descriptor", {"name": "dataset", "code": 5})


def test_one_dataset_is_told_apart_and_a_film_without_bias_leaves_the_others_as_they_are():
    one = OneDataset(number=2)
    numbers, shares = torch.tensor([0, 2, 5]), torch.tensor([[0.5, 0.25, 0.25]])
    assert one(told(numbers), query_of(samples=3)).target.flatten().tolist() == [0, 1, 0]
    assert one(told(shares), query_of(samples=1)).target.flatten().tolist() == [0.25]
    film = FiLM(sites=[Site("decoder/in", 4)], reads=one, bias=False)
    for parameter in film.parameters():
        torch.nn.init.normal_(parameter)
    features = torch.randn(3, 4, 8, 8)
    changed = film(features, film.embed(told(numbers), query_of(samples=3)), "decoder/in")
    assert torch.equal(changed[[0, 2]], features[[0, 2]])
    assert not torch.equal(changed[1], features[1])
