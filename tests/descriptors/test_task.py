from dataclasses import replace

import pytest
import torch
from toys import batch_of, one_hot, query_of

from anysyn.descriptors import TaskCode
from anysyn.types import Query


def token(batch, query, **sizes):
    torch.manual_seed(0)
    return TaskCode(modalities=4, width=8, **sizes)(batch, query).target


def test_the_dataset_the_source_and_the_target_each_change_it():
    batch = batch_of((4, 4))
    own = token(batch, query_of((2,)))
    others = [
        token(replace(batch, dataset=one_hot(1, 1)), query_of((2,))),
        token(batch, query_of((3,))),
        token(batch, Query(torch.tensor([[1]] * 2), torch.tensor([[2]] * 2))),
    ]
    assert not any(torch.allclose(own, other) for other in others)


def test_datasets_that_were_not_counted_change_nothing():
    few, many = (replace(batch_of((4, 4)), dataset=one_hot(1, 1, count=n)) for n in (2, 3))
    assert torch.equal(token(few, query_of()), token(many, query_of()))


def test_more_datasets_than_the_recipe_says_are_refused():
    batch = replace(batch_of((4, 4)), dataset=one_hot(0, 2))
    with pytest.raises(ValueError, match="knows 2 datasets, but there are 3; set `datasets`"):
        token(batch, query_of(), datasets=2)
