"""Parts that are solved before the first step."""

import pytest
import safetensors.torch
import torch
from gan import recipe_of, write_sites

from anysyn import build
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
