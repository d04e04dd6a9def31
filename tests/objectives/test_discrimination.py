"""What a discriminator learns from: the images that the generator's step made, once for both."""

from dataclasses import replace

import pytest
import torch
from toys import M, batch_of, query_of, synthesizer

from anysyn.acquisition import Acquisition
from anysyn.losses import L1
from anysyn.objectives import Discrimination, SynthesisObjective
from anysyn.types import Discriminator, Query


class Recorder(Discriminator):
    """Remember what was shown."""

    beside = "nothing"

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, images, modalities):
        self.seen.append(images)
        return images[:, :1]


@pytest.fixture
def model():
    return synthesizer().train()


@pytest.fixture
def encoded(model):
    """Count how often the encoder runs."""
    calls = []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    return calls


def test_the_images_of_the_generators_step_are_not_made_again(model, encoded):
    batch, query, judge = batch_of((16, 16)), query_of((2, 3)), Recorder()
    outcome = SynthesisObjective(model=model, losses=[L1()]).outcome(batch, query)
    once = len(encoded)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1)  # the generator's optimiser steps
    Discrimination(model=model, discriminator=judge)(batch, query)
    assert len(encoded) == once
    assert torch.equal(judge.seen[0].flatten(0, 1), outcome.prediction.detach().flatten(0, 1))
    assert not judge.seen[0].requires_grad


def test_of_what_was_answered_only_that_is_taken_which_is_asked_for(model, encoded):
    batch, query = batch_of((16, 16)), query_of((0, 3, 2))
    answer = model(batch, query).images.detach()
    once = len(encoded)
    asked = query.asking(torch.tensor([False, True, True]))
    assert torch.equal(model.without_gradients(batch, asked), answer[:, 1:])
    assert len(encoded) == once


def changed(batch, query):
    te = tuple((Acquisition(modality="T2w", echo_time_ms=80.0),) for _ in range(2))
    yield "another batch", replace(batch), query
    yield "another target", batch, replace(query, targets=torch.full((2, 1), M - 1))
    yield "other sources", batch, Query(torch.ones(2, 1, dtype=torch.long), query.targets)
    yield "another acquisition of the target", batch, replace(query, target_acquisitions=te)
    yield "another time", batch, replace(query, time=torch.zeros(2))


@pytest.mark.parametrize("case", range(5))
def test_anything_else_is_synthesized_anew_without_gradients(model, encoded, case):
    batch, query = batch_of((16, 16)), query_of((2,))
    model(batch, query)
    once = len(encoded)
    name, other, asked = list(changed(batch, query))[case]
    made = model.without_gradients(other, asked)
    assert len(encoded) > once, name
    assert not made.requires_grad
    with torch.no_grad():
        torch.testing.assert_close(made, model(other, asked).images)


def test_what_was_validated_in_between_is_not_taken_for_training(model, encoded):
    batch, query = batch_of((16, 16)), query_of((2,))
    model.eval()(batch, query)
    once = len(encoded)
    model.train().without_gradients(batch, query)
    assert len(encoded) > once
