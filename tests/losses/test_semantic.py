"""Eq. 6 against its formula, and where its gradients go."""

import numpy as np
import pytest
import torch
from toys import batch_of, clip, query_of

from anysyn.losses import Semantic
from anysyn.types import Outcome


def outcome_of(prediction, targets, mask=None):
    query = query_of(targets, len(prediction))
    whole = torch.ones(len(prediction), len(targets), dtype=torch.bool) if mask is None else torch.tensor(mask)
    return Outcome(batch_of((16, 16)), query, prediction, torch.zeros_like(prediction), whole, None)


def distance(image, text):
    return 1 - np.dot(image, text) / np.linalg.norm(image) / np.linalg.norm(text)


@pytest.fixture
def judge():
    return clip().eval().requires_grad_(False)


@pytest.mark.parametrize("shape", [(16, 16), (3, 16, 16)])
def test_every_image_is_compared_with_the_description_of_its_target(judge, shape):
    prediction = torch.rand(2, 2, *shape, generator=torch.Generator().manual_seed(0))
    texts = judge.encode_text(judge.descriptions).numpy()
    expected = []
    for sample in prediction:
        for image, target in zip(sample, (2, 0), strict=True):
            planes = image.reshape(-1, 1, 1, 16, 16)
            expected += [distance(judge.encode_image(plane).numpy()[0], texts[target]) for plane in planes]
    assert Semantic(clip=judge)(outcome_of(prediction, (2, 0))).item() == pytest.approx(np.mean(expected), rel=1e-4)


def test_only_where_a_truth_exists(judge):
    prediction = torch.rand(2, 2, 16, 16)
    spoiled = prediction.clone()
    spoiled[0, 1] = float("nan")
    mask, loss = [[True, False], [True, True]], Semantic(clip=judge)
    found = loss(outcome_of(spoiled, (1, 3), mask))
    assert torch.isfinite(found)
    torch.testing.assert_close(found, loss(outcome_of(prediction, (1, 3), mask)))
    assert loss(outcome_of(prediction, (1, 3), [[False] * 2] * 2)).item() == 0


def test_gradients_reach_the_image_alone(judge):
    prediction = torch.rand(2, 1, 16, 16, requires_grad=True)
    mask = [[True], [False]]
    Semantic(clip=judge)(outcome_of(prediction, (1,), mask)).backward()
    assert prediction.grad[0].any()
    assert not prediction.grad[1].any()
    assert all(weight.grad is None for weight in judge.parameters())


def test_the_text_is_a_constant_even_while_its_tower_may_learn():
    model, prediction = clip(), torch.rand(2, 1, 16, 16, requires_grad=True)
    Semantic(clip=model)(outcome_of(prediction, (1,))).backward()
    assert all(weight.grad is None for name, weight in model.named_parameters() if "text" in name)
