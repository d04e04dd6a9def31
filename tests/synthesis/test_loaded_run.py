"""A run whose training needed a CLIP from elsewhere answers without it; every stage's weights can be had."""

import shutil

import pytest
import safetensors.torch
import torch
import yaml
from checkpoints import write_checkpoint
from toys import TINY, write_cohort

import anysyn
from anysyn.synthesis.loaded_run import load_run, networks
from anysyn.training.run_folder.folder import RunError


def step(objective, train):
    return {"objective": objective, "train": train, "optimizer": {"name": "adam", "lr": 1.0e-3}}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    write_cohort(folder / "cohort")
    tree = yaml.safe_load(TINY)
    tree["data"]["root"] = str(folder / "cohort")
    tree["parts"] = {"clip": {"name": "clip", "checkpoint": str(write_checkpoint(folder / "clip"))}, **tree["parts"]}
    synthesis = tree["stages"][0] | {"epochs": 1, "ema": None}
    synthesis["steps"][0]["objective"]["losses"].append({"name": "semantic", "clip": "@clip"})
    towers = {"text": "text_*", "image": "vis*"}
    aligned = [step({"name": f"{t}_modality", "clip": "@clip"}, [f"clip.towers.{glob}"]) for t, glob in towers.items()]
    tree["stages"] = [{**synthesis, "name": "alignment", "steps": aligned}, synthesis]
    (folder / "recipe.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    anysyn.train(folder / "recipe.yaml", out=folder / "run", accelerator="cpu")
    shutil.rmtree(folder / "clip")
    return folder


def test_synthesis_needs_the_run_folder_alone(place):
    run = load_run(place / "run", accelerator="cpu")
    study = run.prepare(run.subjects()[0][0])
    assert torch.isfinite(run.predict(study, ["T1w"], ["T2w"])["T2w"]).all()
    kept = safetensors.torch.load_file(run.folder.weights)
    assert all(torch.equal(value, kept[f"synthesizer.{name}"]) for name, value in run.model.state_dict().items())


def test_the_weights_of_the_clip_are_in_the_run(place):
    kept = safetensors.torch.load_file(place / "run" / "weights.safetensors")
    assert "clip.towers.text_projection.weight" in kept


def test_the_clip_itself_needs_its_checkpoint_and_says_so(place):
    run = load_run(place / "run", accelerator="cpu")
    with pytest.raises(RunError, match="cannot be loaded") as caught:
        networks(run.folder, run.recipe)
    assert str(caught.value).startswith(f"{run.folder.recipe}: ")
    assert str(place / "clip") in str(caught.value)
    assert "does not fit" not in str(caught.value)
    write_checkpoint(place / "clip")
    found = networks(run.folder, run.recipe)["clip"].state_dict()
    kept = safetensors.torch.load_file(run.folder.weights)
    assert all(torch.equal(value, kept[f"clip.{name}"]) for name, value in found.items())
    shutil.rmtree(place / "clip")


def test_a_stage_that_does_not_exist_is_named(place):
    with pytest.raises(RunError, match="no stage 'alignmen'; did you mean 'alignment'"):
        load_run(place / "run", stage="alignmen", accelerator="cpu")
