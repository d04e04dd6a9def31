"""Parts that begin with the weights of parts of other runs, and are independent of them afterwards."""

import json
import shutil

import pytest
import torch
from learned_runs import CLIP
from packed import write_notes
from toys import write_cohort
from trained import same, stop, weights, write_tiny

import anysyn
from anysyn.errors import UserError
from anysyn.packing.pack import pack
from anysyn.training.fit import train
from anysyn.training.run_folder.folder import RunError
from anysyn.training.stage import StageLoop

NAMES = ["T1w", "T2w", "PDw", "FLAIR"]


def begun(recipe, out, *overrides, epochs=0):
    asked = [f"stages.0.epochs={epochs}", *overrides]
    return train(recipe, out=out, overrides=asked, untrained=True, accelerator="cpu").folder


@pytest.fixture(scope="module")
def texts(tiny, tmp_path_factory):
    """Return a run of other modalities, whose CLIP has another name."""
    folder = tmp_path_factory.mktemp("texts")

    def change(tree):
        tree["parts"]["tower"] = CLIP
        tree["modalities"] = NAMES

    return begun(write_tiny(folder, change), folder / "run", f"data.root={tiny / 'cohort'}", "seed=7")


@pytest.fixture
def with_clip(tmp_path):
    def write(**said):
        def change(tree):
            tree["parts"]["clip"] = CLIP
            tree["weights"] = said

        return write_tiny(tmp_path, change, name="with_clip")

    return write


def part(run, name):
    return {key.partition(".")[2]: value for key, value in weights(run).items() if key.startswith(f"{name}.")}


def test_each_part_begins_with_the_part_that_is_named_for_it(tiny, texts, with_clip, tmp_path):
    recipe = with_clip(clip=f"{texts}:tower", synthesizer=str(tiny / "run"))
    run = begun(recipe, tmp_path / "run", f"data.root={tiny / 'cohort'}")
    assert same(part(run, "clip"), part(texts, "tower"))
    assert same(part(run, "synthesizer"), part(tiny / "run", "synthesizer"))
    assert json.loads((run / "origin.json").read_text())["parts"] == {
        "clip": "run:tower",
        "synthesizer": "run:synthesizer",
    }


def test_what_is_not_named_begins_as_in_any_training(tiny, texts, with_clip, tmp_path):
    root = f"data.root={tiny / 'cohort'}"
    run = begun(with_clip(clip=f"{texts}:tower"), tmp_path / "run", root)
    plain = begun(with_clip(), tmp_path / "plain", root)
    assert same(part(run, "synthesizer"), part(plain, "synthesizer"))
    assert not same(part(run, "clip"), part(plain, "clip"))


def test_the_run_needs_its_origins_no_more(tiny, texts, with_clip, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    def kill(*_, **__):
        raise Killed

    root, recipe = f"data.root={tiny / 'cohort'}", with_clip(clip=f"{tmp_path / 'origin'}:tower")
    shutil.copytree(texts, tmp_path / "origin")
    whole = begun(recipe, tmp_path / "whole", root, epochs=1)
    with monkeypatch.context() as patch:
        patch.setattr("anysyn.training.fit.cohorts_of", kill)
        with pytest.raises(Killed):
            begun(recipe, tmp_path / "killed", root, epochs=1)
    shutil.rmtree(tmp_path / "origin")
    resumed = anysyn.resume(tmp_path / "killed", accelerator="cpu").folder
    assert same(weights(resumed), weights(whole))
    assert torch.isfinite(torch.cat([value.flatten().float() for value in weights(resumed).values()])).all()


def test_every_mistake_is_a_line_before_the_data_are_touched(tiny, texts, with_clip, tmp_path, monkeypatch):
    monkeypatch.setattr("anysyn.training.fit.find_all", lambda *_: pytest.fail("the data were touched"))
    recipe = with_clip(clip=f"{texts}:towr", clap="nowhere", synthesizer=str(texts))
    with pytest.raises(RunError) as caught:
        begun(recipe, tmp_path / "run", "data.root=nowhere")
    lines = str(caught.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["weights.clip", "weights.clap", "weights.synthesizer"]
    assert "did you mean 'tower'?" in lines[0]
    assert "no part is called 'clap'" in lines[1]
    assert lines[2].endswith("write modalities=[T1w,T2w,PDw,FLAIR]")
    with pytest.raises(RunError, match=r"^weights\.clip: .*does not fit the recipe"):
        begun(with_clip(clip=f"{texts}:synthesizer"), tmp_path / "run", "data.root=nowhere")
    with pytest.raises(RunError, match=r"^weights_for: is for the weights of one run"):
        begun(with_clip(clip=f"{texts}:tower"), tmp_path / "run", "data.root=nowhere", "weights_for=[clip]")
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    return write_cohort(tmp_path_factory.mktemp("others") / "others", subjects=5, contrasts=("T1w", "T2w"), seed=9)


def two_stages(folder, others, **data):
    def change(tree):
        first = {**tree["stages"][0], "name": "first", "epochs": 1, "data": {"root": str(others), **data}}
        tree["stages"] = [first, {**tree["stages"][0], "epochs": 1}]

    return write_tiny(folder, change, name="two_stages")


def test_a_stage_trains_on_its_own_subjects(tiny, others, tmp_path):
    split = {"train": ["sub-03", "sub-04"], "validation": ["sub-00"], "test": []}
    recipe, root = two_stages(tmp_path, others, split=split), f"data.root={tiny / 'cohort'}"
    run = train(recipe, out=tmp_path / "run", overrides=[root], accelerator="cpu").folder
    own = run / "cohorts" / "first"
    assert json.loads((own / "split.json").read_text()) == split
    assert json.loads((run / "datasets.json").read_text()) == ["cohort"]
    assert json.loads((own / "datasets.json").read_text()) == ["cohort", "others"]
    assert "sub-04" in (own / "subjects.csv").read_text()
    alone = train(recipe, out=tmp_path / "alone", overrides=[root, "stages.1.epochs=0"], accelerator="cpu").folder
    again = write_tiny(tmp_path, lambda tree: tree["stages"][0].update(name="first", epochs=1), name="again")
    overrides = [f"data.root={others}", f"data.split={json.dumps(split)}"]
    same_data = train(again, out=tmp_path / "same", overrides=overrides, accelerator="cpu").folder
    assert same(weights(alone), weights(same_data))


def test_resumed_in_a_later_stage_it_needs_the_data_of_the_first_no_more(tiny, others, tmp_path, monkeypatch):
    shutil.copytree(others, tmp_path / "gone" / "others")
    recipe, root = two_stages(tmp_path, tmp_path / "gone" / "others"), f"data.root={tiny / 'cohort'}"
    whole = train(recipe, out=tmp_path / "whole", overrides=[root], accelerator="cpu").folder

    def begin():
        train(recipe, out=tmp_path / "killed", overrides=[root], accelerator="cpu")

    stop(monkeypatch, StageLoop, "run", lambda position: True, begin)
    shutil.rmtree(tmp_path / "gone")
    resumed = anysyn.resume(tmp_path / "killed", accelerator="cpu").folder
    assert same(weights(resumed), weights(whole))
    anysyn.load_run(resumed, accelerator="cpu")  # nor does synthesis


def test_stopped_within_the_first_stage_it_goes_on_bit_equal(tiny, others, tmp_path, monkeypatch):
    recipe = two_stages(tmp_path, others)
    asked = [f"data.root={tiny / 'cohort'}", "stages.0.epochs=2"]
    whole = train(recipe, out=tmp_path / "whole", overrides=asked, accelerator="cpu").folder

    def begin():
        train(recipe, out=tmp_path / "killed", overrides=asked, accelerator="cpu")

    stop(monkeypatch, StageLoop, "save", lambda position: position.epoch == 1, begin)
    assert same(weights(anysyn.resume(tmp_path / "killed", accelerator="cpu").folder), weights(whole))


def test_cohorts_that_are_not_there_are_a_line_each_and_leave_no_folder(tmp_path):
    recipe = two_stages(tmp_path, tmp_path / "nowhere")
    with pytest.raises(UserError) as caught:
        train(recipe, out=tmp_path / "run", overrides=["data.root=missing"], accelerator="cpu")
    first, second = str(caught.value).splitlines()
    assert "missing: no such file or folder" in first
    assert second.startswith("stages.0.data: ")
    assert not (tmp_path / "run").exists()


def test_names_of_a_stage_are_checked_as_those_of_the_recipe(tmp_path):
    recipe = two_stages(tmp_path, "x", names={"*_mr": "T9w"}, bids={"aqc": "high"})
    with pytest.raises(UserError, match=r"stages\.0\.data\.names.*T9w[^\n]*\n.*stages\.0\.data\.bids\.aqc"):
        train(recipe, out=tmp_path / "run", overrides=["data.root=x"], accelerator="cpu")


def test_a_packed_run_says_nothing_of_the_data_of_a_stage(tiny, others, tmp_path):
    root = f"data.root={tiny / 'cohort'}"
    run = train(two_stages(tmp_path, others), out=tmp_path / "run", overrides=[root], accelerator="cpu").folder
    packed = pack(run, name="apart", card=write_notes(tmp_path), out=tmp_path / "packages").folder
    assert str(others) not in "".join(
        path.read_text() for path in packed.iterdir() if path.suffix in (".yaml", ".json")
    )
    notes = write_notes(tmp_path, intended_use=f"images like those in {others}")
    with pytest.raises(UserError, match=r"README\.md:\d+: names a subject of the training or a path"):
        pack(run, name="named", card=notes, out=tmp_path / "packages")
