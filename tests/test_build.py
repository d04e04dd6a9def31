"""Building: parts by name with what they refer to, contracts kept, runs without what synthesis does not need."""

import pytest
import torch
from trained import write_tiny

from anysyn import build
from anysyn.errors import RecipeError
from anysyn.synthesizer import Synthesizer
from anysyn.types import ImageTextModel

CLIP = {"name": "clip_from_scratch", "side": 16, "width": 16, "layers": 1, "heads": 2, "embedding": 8}


def recipe_of(tmp_path, judge=None, **parts):
    def change(tree):
        tree["parts"] |= parts
        if judge:
            tree["stages"][0]["steps"][0]["objective"]["losses"].append({"name": "semantic", "clip": judge})

    return write_tiny(tmp_path, change)


def test_parts_are_found_by_their_contract_without_being_built(tmp_path):
    recipe = build.load(recipe_of(tmp_path, clip=CLIP))
    assert build.named(recipe, ImageTextModel) == ["clip"]
    assert build.named(recipe, Synthesizer) == ["synthesizer"]
    assert build.named(recipe, torch.nn.Linear) == []


def test_only_what_is_wanted_and_what_it_refers_to_is_built(tmp_path):
    recipe = build.load(recipe_of(tmp_path, clip=CLIP))
    whole, one = build.parts(recipe), build.parts(recipe, only=["synthesizer"])
    assert (list(whole), list(one)) == (["synthesizer", "clip"], ["synthesizer"])
    same = [torch.equal(a, b) for a, b in zip(whole["synthesizer"].parameters(), one.parameters(), strict=True)]
    assert all(same)


def test_a_loss_may_refer_to_a_clip_and_to_nothing_else(tmp_path):
    assert "clip" in build.load(recipe_of(tmp_path, "@clip", clip=CLIP)).parts
    with pytest.raises(RecipeError, match="'@synthesizer' is a Synthesizer, but clip must be a ImageTextModel"):
        build.load(recipe_of(tmp_path, "@synthesizer", clip=CLIP))
    with pytest.raises(RecipeError, match="@part"):  # a CLIP of its own would not be kept with the run
        build.load(recipe_of(tmp_path, CLIP))


def test_every_step_that_is_to_train_what_no_network_has_is_said_when_the_recipe_is_checked(tmp_path):
    with pytest.raises(RecipeError) as caught:
        build.load(recipe_of(tmp_path), ["stages.0.steps.0.train=[synthesiser, synthesizer.decoder, 'clap.*']"])
    first, second = str(caught.value).splitlines()
    assert "stages.0.steps.0.train: 'synthesiser' matches no parameter; did you mean 'synthesizer'?" in first
    assert "'clap.*' matches no parameter" in second


def test_what_is_not_there_is_said_when_the_recipe_is_checked(tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    path = recipe_of(tmp_path, clip={"name": "clip", "checkpoint": "nobody/nothing"})
    with pytest.raises(RecipeError, match=r"recipe.yaml:\d+: parts.clip: .*'nobody/nothing'.*HF_HOME") as caught:
        build.load(path)
    assert "\n" not in str(caught.value)
    assert list(build.load(path, lay_out=False).parts) == ["synthesizer", "clip"]
