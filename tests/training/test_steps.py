import pytest
import torch
from torch import nn

from anysyn.errors import RecipeError
from anysyn.training.steps import matching, only_these_learn


def parts():
    return nn.ModuleDict({"synthesizer": nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)), "clip": nn.Linear(2, 2)})


def test_globs_choose_parameters():
    assert len(matching(parts(), ["synthesizer"])) == 4
    assert len(matching(parts(), ["synthesizer.1", "clip.bias"])) == 3
    assert len(matching(parts(), ["*.weight"])) == 3


def test_a_glob_that_matches_nothing_gives_the_nearest_match():
    with pytest.raises(RecipeError, match=r"'synthesiser' matches no parameter; did you mean 'synthesizer'\?"):
        matching(parts(), ["synthesiser"])


def test_gradients_reach_what_a_step_trains_and_nothing_else():
    made = parts()
    only_these_learn(made, matching(made, ["synthesizer.0"]))
    made["synthesizer"](torch.rand(4, 2)).sum().backward()
    assert all(p.grad is not None for p in made["synthesizer"][0].parameters())
    assert all(p.grad is None for p in [*made["synthesizer"][1].parameters(), *made["clip"].parameters()])
