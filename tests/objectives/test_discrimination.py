"""What a discriminator learns from: the images that the generator's step made, once for both."""

from dataclasses import replace

import pytest
import torch
from gan import recipe_of, write_sites
from toys import M, batch_of, discriminator_of, query_of, synthesizer

from anysyn.acquisition import Acquisition
from anysyn.losses import L1
from anysyn.objectives import Cycle, Discrimination, SynthesisObjective, TwoWay, UnpairedDiscrimination
from anysyn.objectives.discrimination import without_gradients
from anysyn.objectives.objective import Answer
from anysyn.training.fit import train
from anysyn.types import Query


@pytest.fixture
def model():
    return synthesizer().train()


@pytest.fixture
def encoded(model):
    """Count how often the encoder runs."""
    calls = []
    model.encoder.register_forward_hook(lambda *_: calls.append(1))
    return calls


@pytest.mark.parametrize(
    ("generator", "discrimination"),
    [("synthesis", "discrimination"), ("two_way", "discrimination"), ("cycle", "unpaired_discrimination")],
)
def test_a_discriminator_learns_from_the_images_of_the_generators_step(model, encoded, generator, discrimination):
    batch, query, judge, seen = batch_of((16, 16)), query_of(), discriminator_of(), []
    one = {"synthesis": SynthesisObjective, "two_way": TwoWay}.get(generator)
    first = one(model=model, losses=[L1()]) if one else Cycle(model=model, discriminator=judge)
    _, answers = first.step(batch, query)
    judge.register_forward_pre_hook(lambda _, shown: seen.append(shown[0]))
    with torch.no_grad():
        before = model(batch, query).images
        for parameter in model.parameters():
            parameter.add_(0.1)  # the generator's optimiser steps
    once = len(encoded)
    second = Discrimination if discrimination == "discrimination" else UnpairedDiscrimination
    second(model=model, discriminator=judge).step(batch, query, answers)
    assert len(encoded) == once
    assert torch.equal(seen[0].flatten(0, 1), before.flatten(0, 1))
    assert not seen[0].requires_grad


def changed(model, query):
    te = tuple((Acquisition(modality="T2w", echo_time_ms=80.0),) for _ in range(2))
    yield "another network", synthesizer(at=("encoder/stem",)), query
    yield "another target", model, replace(query, targets=torch.full((2, 1), M - 1))
    yield "other sources", model, Query(torch.ones(2, 1, dtype=torch.long), query.targets)
    yield "another acquisition of the target", model, replace(query, target_acquisitions=te)
    yield "another time", model, replace(query, time=torch.zeros(2))


@pytest.mark.parametrize("case", range(5))
def test_anything_else_is_synthesized_anew_without_gradients(model, encoded, case):
    batch, query = batch_of((16, 16)), query_of((2,))
    _, answers = SynthesisObjective(model=model, losses=[L1()]).step(batch, query)
    once = len(encoded)
    name, asking, asked = list(changed(model, query))[case]
    made = without_gradients(asking, batch, asked, answers)
    assert len(encoded) + (asking is not model) > once, name
    assert not made.requires_grad
    with torch.no_grad():
        torch.testing.assert_close(made, asking(batch, asked).images)


def test_of_several_answers_the_latest_counts(model):
    batch, query = batch_of((16, 16)), query_of()
    answers = [Answer(model, query, torch.full((2, 1, 16, 16), value)) for value in (1.0, 2.0)]
    assert without_gradients(model, batch, query, answers).unique().tolist() == [2.0]


def test_the_loop_hands_the_images_on_within_a_batch_and_not_beyond(tmp_path, monkeypatch):
    write_sites(tmp_path / "cohort", subjects=3)
    seen = []

    def record(objective, batch, query, earlier=()):
        seen.append((type(objective).__name__, len(earlier)))
        return own[type(objective)](objective, batch, query, earlier)

    own = {kind: kind.step for kind in (SynthesisObjective, Discrimination)}
    for kind in own:
        monkeypatch.setattr(kind, "step", record)
    train(recipe_of(tmp_path, tmp_path / "cohort", epochs=1), out=tmp_path / "run", accelerator="cpu")
    assert set(seen) == {("SynthesisObjective", 0), ("Discrimination", 1)}
