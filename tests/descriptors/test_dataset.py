"""The code of a dataset: sines of its number, an MLP, and the mean of several."""

import math
from dataclasses import replace

import pytest
import torch
from toys import batch_of, one_hot, query_of

from anysyn.conditioners import FiLM
from anysyn.descriptors import DatasetCode
from anysyn.descriptors.dataset import OneDataset, sinusoidal_code
from anysyn.registry import build
from anysyn.types import Site


def weighted(weights):
    return replace(batch_of((4, 4), samples=len(weights)), dataset=weights)


def test_the_code_is_that_of_a_loop():
    code = sinusoidal_code(torch.tensor([0, 3]), 8)
    for row, number in enumerate((0, 3)):
        angles = [number / 10000 ** (k / 4) for k in range(4)]
        expected = [*(math.sin(a) for a in angles), *(math.cos(a) for a in angles)]
        torch.testing.assert_close(code[row], torch.tensor(expected), atol=1e-6, rtol=1e-5)


def test_each_sample_gets_the_embedding_of_its_dataset():
    descriptor = DatasetCode(width=8)
    tokens = descriptor(weighted(one_hot(2, 0, 2)), query_of(samples=3)).target
    assert torch.equal(tokens[0], tokens[2])
    assert not torch.equal(tokens[0], tokens[1])


def test_an_added_dataset_does_not_change_the_embeddings_of_the_others_in_any_bit():
    descriptor = DatasetCode()
    few, many = (descriptor(weighted(one_hot(0, 1, count=n)), query_of()).target for n in (2, 9))
    assert torch.equal(few, many)
    assert torch.equal(few[1, 0], descriptor.embedding(torch.tensor([1]))[0])


def test_weights_mix_the_embeddings():
    descriptor = DatasetCode(width=8)
    one, two, three = descriptor.embedding(torch.arange(3))
    weights = torch.tensor([[1.0, 0, 0], [1 / 3] * 3, [0, 0.25, 0.75]])
    expected = torch.stack([one, (one + two + three) / 3, 0.25 * two + 0.75 * three])
    found = descriptor(weighted(weights), query_of(samples=3))
    torch.testing.assert_close(found.source[:, 0], expected)
    assert torch.equal(found.source, found.target)


def test_film_modulates_by_the_dataset_as_equation_3_says():
    film = FiLM(sites=[Site("encoder/block0", 4)], reads=DatasetCode(width=8))
    for parameter in film.heads.parameters():
        torch.nn.init.normal_(parameter, generator=torch.Generator().manual_seed(0))
    batch, features = weighted(one_hot(0, 1)), torch.rand(2, 4, 5, 5)
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


def test_a_film_of_one_dataset_without_bias_leaves_the_others_as_they_are():
    one = OneDataset(number=2)
    batch = weighted(one_hot(0, 2, 5))
    assert one(batch, query_of(samples=3)).target.flatten().tolist() == [0, 1, 0]
    assert one(weighted(torch.tensor([[0.5, 0.25, 0.25]])), query_of(samples=1)).target.flatten().tolist() == [0.25]
    film = FiLM(sites=[Site("decoder/in", 4)], reads=one, bias=False)
    for parameter in film.parameters():
        torch.nn.init.normal_(parameter)
    features = torch.randn(3, 4, 8, 8)
    changed = film(features, film.embed(batch, query_of(samples=3)), "decoder/in")
    assert torch.equal(changed[[0, 2]], features[[0, 2]])
    assert not torch.equal(changed[1], features[1])
