"""Parts that are solved before the first step, and after the last."""

import pytest
import safetensors.torch
import torch
from gan import recipe_of, write_sites

from anysyn import build
from anysyn.blends import Stacked
from anysyn.ops import among
from anysyn.synthesis import load_run
from anysyn.training import adapt, resume, solving, train


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("solving")
    write_sites(folder / "sites")
    return folder


def fit(place, name, *overrides):
    recipe = recipe_of(place, place / "sites", epochs=1)
    asked = ["parts.synthesizer.shortcut={name: regression, voxels: 16}", *overrides]
    return train(recipe, out=place / name, overrides=asked, accelerator="cpu").folder


def solved(run):
    weights = safetensors.torch.load_file(run / "weights.safetensors")
    return {name: value for name, value in weights.items() if "shortcut.weights" in name}


def same(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_run_keeps_what_was_solved_before_its_first_step(place):
    run = fit(place, "run")
    untouched = build.parts(build.load(run / "recipe.yaml"))
    fresh = {name: value for name, value in untouched.state_dict().items() if "shortcut.weights" in name}
    assert solved(run).keys() == fresh.keys()
    assert not same(solved(run), fresh)
    assert same(solved(run), solved(fit(place, "twice")))
    assert not same(solved(run), solved(fit(place, "another", "seed=1")))


def test_a_resumed_and_an_adapted_run_are_not_solved_again(place, monkeypatch):
    run = fit(place, "first")
    before = solved(run)
    monkeypatch.setattr(solving, "seeded", None)
    resume(run, accelerator="cpu")
    assert same(solved(run), before)
    write_sites(place / "new", subjects=2)
    adapted = adapt(run, data=place / "new", name="new", out=place / "adapted", epochs=1, accelerator="cpu").folder
    assert same(solved(adapted), before)


BLEND = "parts.synthesizer.blend={name: stacked, of: {name: regression, voxels: 16}}"


def blended(run):
    weights = safetensors.torch.load_file(run / "weights.safetensors")
    return {name: value for name, value in weights.items() if ".blend." in name}


def test_a_blend_is_solved_after_the_last_step_and_changes_no_other_weight(place):
    run, without = fit(place, "blended", BLEND), fit(place, "unblended")
    shares = blended(run)["synthesizer.blend.shares"]
    assert (shares < 1).any()
    assert shares.min() >= 0
    told = {(1, 1), (1, 2), (2, 0), (2, 2), (4, 0), (4, 1), (3, 2), (5, 1), (6, 0)}  # choices, and what they leave out
    assert {tuple(where) for where in (shares[0] < 1).nonzero().tolist()} <= told
    assert torch.equal(shares[0], shares[1]), "the regression is not told from which dataset a sample comes"
    kept, others = (safetensors.torch.load_file(one / "weights.safetensors") for one in (run, without))
    assert same({name: value for name, value in kept.items() if ".blend." not in name}, others)


def test_a_blend_is_solved_on_what_the_trained_network_answers_to_the_queries_of_the_last_stage(place, monkeypatch):
    seen, weigh = [], Stacked.weigh
    monkeypatch.setattr(Stacked, "weigh", lambda blend, outcome: (seen.append(outcome), weigh(blend, outcome)))
    run = load_run(fit(place, "watched", BLEND, "stages.0.batches.size=2"), accelerator="cpu")
    mixed = alone = torch.zeros(())
    for batch, query, prediction, truth, mask, *_ in seen:
        counts = mask & ~among(query.targets, query.sources)
        mixed = mixed + (run.model(batch, query).images - truth)[counts].square().sum()
        alone = alone + (prediction - truth)[counts].square().sum()
    assert 0 < mixed < alone


def test_a_run_stopped_before_its_blend_was_solved_resumes_to_the_same(place, monkeypatch):
    whole = fit(place, "whole", BLEND)
    with monkeypatch.context() as stopped:
        stopped.setattr(solving.SynthesisObjective, "outcome", stop)
        with pytest.raises(KeyboardInterrupt):
            fit(place, "stopped", BLEND)
    assert not (place / "stopped" / "weights.safetensors").is_file()
    resume(place / "stopped", accelerator="cpu")
    assert same(blended(place / "stopped"), blended(whole))


def stop(*_):
    raise KeyboardInterrupt
