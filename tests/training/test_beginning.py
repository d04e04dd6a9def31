"""Fine-tuning: a training that begins with the weights of another run, and then does without it."""

import json
import shutil

import pytest
import torch
from learned_runs import CLIP
from packed import pack_tiny
from toys import write_cohort
from trained import same, stop, weights, write_tiny

import anysyn
from anysyn.errors import UserError
from anysyn.progress import Progress
from anysyn.synthesis import load_run
from anysyn.training.fit import train
from anysyn.training.run_folder.checkpoints import Checkpoints
from anysyn.training.run_folder.folder import RunError, RunFolder
from anysyn.training.stage import StageLoop


class Noted(Progress):
    """Keep the lines that are said."""

    lines = ()

    def say(self, line):
        self.lines += (line,)


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """Return another cohort: other subjects, and no FLAIR."""
    return write_cohort(tmp_path_factory.mktemp("new") / "cohort", contrasts=("T1w", "T2w"), seed=5)


def tune(origin, out, cohort, *overrides, **options):
    asked = [f"data.root={cohort}", "stages.0.epochs=2", *overrides]
    return train(None, from_run=origin, out=out, overrides=asked, accelerator="cpu", **options).folder


def untrained(recipe, out, *overrides, **options):
    asked = ["stages.0.epochs=0", *overrides]
    return train(recipe, out=out, overrides=asked, untrained=True, accelerator="cpu", **options).folder


def test_before_the_first_step_the_weights_are_those_of_the_run(tiny, new, tmp_path):
    run = untrained(None, tmp_path / "tuned", f"data.root={new}", from_run=tiny / "run")
    assert same(weights(run), weights(tiny / "run"))


def test_those_of_a_packaged_run_are_taken_as_float32(tiny, new, tmp_path):
    packed = pack_tiny(tiny, tmp_path)
    run = untrained(None, tmp_path / "tuned", f"data.root={new}", from_run=packed)
    assert {weight.dtype for weight in weights(run).values()} == {torch.float32}
    assert same(weights(run), {name: weight.float() for name, weight in weights(packed).items()})


def test_the_key_of_the_recipe_says_the_same_as_the_option(tiny, new, tmp_path):
    recipe = write_tiny(tmp_path, lambda tree: tree.update(weights=str(tiny / "run")))
    run = untrained(recipe, tmp_path / "tuned", f"data.root={new}")
    assert same(weights(run), weights(tiny / "run"))


def test_killed_and_resumed_without_its_origin_it_ends_bit_equal(tiny, new, tmp_path, monkeypatch):
    shutil.copytree(tiny / "run", tmp_path / "origin")
    whole = tune(tmp_path / "origin", tmp_path / "whole", new)
    assert not same(weights(whole), weights(tiny / "run"))

    def begin():
        tune(tmp_path / "origin", tmp_path / "killed", new)

    stop(monkeypatch, StageLoop, "save", lambda position: position.epoch == 1, begin)
    shutil.rmtree(tmp_path / "origin")
    resumed = anysyn.resume(tmp_path / "killed", accelerator="cpu").folder
    assert same(weights(resumed), weights(whole))
    for name in ("windows.json", "datasets.json"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes()


def test_killed_before_its_first_step_it_still_begins_with_them(tiny, new, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    def kill(*_, **__):
        raise Killed

    shutil.copytree(tiny / "run", tmp_path / "origin")
    with monkeypatch.context() as patch:
        patch.setattr("anysyn.training.fit.cohorts_of", kill)
        with pytest.raises(Killed):
            tune(tmp_path / "origin", tmp_path / "killed", new)
    shutil.rmtree(tmp_path / "origin")
    assert same(Checkpoints(RunFolder(tmp_path / "killed")).last().parts, weights(tiny / "run"))
    resumed = anysyn.resume(tmp_path / "killed", accelerator="cpu").folder
    assert same(weights(resumed), weights(tune(tiny / "run", tmp_path / "whole", new)))


def test_stopped_before_it_has_the_weights_it_is_no_run(tiny, new, tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("anysyn.training.beginning.Checkpoints.save", stopped)
        with pytest.raises(KeyboardInterrupt):
            tune(tiny / "run", tmp_path / "tuned", new)
    with pytest.raises(RunError, match="not a run folder"):
        anysyn.resume(tmp_path / "tuned", accelerator="cpu")
    tune(tiny / "run", tmp_path / "tuned", new)  # what it left is no obstacle


def test_windows_are_those_of_the_new_data_and_of_the_run_where_these_have_none(tiny, new, tmp_path):
    run = untrained(None, tmp_path / "tuned", f"data.root={new}", from_run=tiny / "run")
    before, after = (json.loads((folder / "windows.json").read_text()) for folder in (tiny / "run", run))
    assert after["overall"]["FLAIR"] == before["overall"]["FLAIR"]
    assert after["overall"]["T1w"] != before["overall"]["T1w"]
    study = load_run(run, accelerator="cpu")
    assert set(study.pipeline.typical.overall) == {"T1w", "T2w", "FLAIR"}


def test_datasets_keep_their_numbers_and_new_ones_come_after(tiny, new, tmp_path):
    run = untrained(None, tmp_path / "tuned", f"data.root={new}", "data.as_dataset=A", from_run=tiny / "run")
    before = json.loads((tiny / "run" / "datasets.json").read_text())
    assert json.loads((run / "datasets.json").read_text()) == [*before, "A"]


def changed(tmp_path, change):
    return write_tiny(tmp_path, change, name="changed")


def test_other_modalities_and_another_order_are_one_line(tiny, tmp_path):
    for names in (["T1w", "T2w"], ["T2w", "T1w", "FLAIR"]):
        recipe = changed(tmp_path, lambda tree, names=names: tree.update(modalities=names))
        with pytest.raises(RunError, match=r"^weights: .*by their numbers.*write modalities=\[T1w,T2w,FLAIR\][^\n]*$"):
            train(recipe, from_run=tiny / "run", out=tmp_path / "never", overrides=["data.root=nowhere"])
    assert not (tmp_path / "never").exists()


def test_weights_that_do_not_fit_are_listed(tiny, tmp_path):
    wide = changed(tmp_path, lambda tree: tree["parts"]["synthesizer"]["encoder"].update(widths=[8, 16]))
    with pytest.raises(RunError, match=r"weights: .*is 12[ x\d]*, and the recipe makes it 16.*weights_for=\[\.\.\.\]$"):
        train(wide, from_run=tiny / "run", out=tmp_path / "never", overrides=["data.root=nowhere"])
    deep = changed(tmp_path, lambda tree: tree["parts"]["synthesizer"]["encoder"].update(widths=[8, 12, 16]))
    with pytest.raises(RunError, match=r"it has no synthesizer\.encoder"):
        train(deep, from_run=tiny / "run", out=tmp_path / "never", overrides=["data.root=nowhere"])
    flat = changed(tmp_path, lambda tree: tree["parts"]["synthesizer"].update(conditioners=[]))
    with pytest.raises(RunError, match=r"the recipe has no synthesizer\.conditioners"):
        train(flat, from_run=tiny / "run", out=tmp_path / "never", overrides=["data.root=nowhere"])


def test_what_is_to_fit_can_be_named(tiny, new, tmp_path):
    flat = changed(tmp_path, lambda tree: tree["parts"]["synthesizer"].update(conditioners=[]))
    progress, asked = Noted(), [f"data.root={new}", "weights_for=[synthesizer.encoder]"]
    run = untrained(flat, tmp_path / "tuned", *asked, from_run=tiny / "run", progress=progress)
    before, after = weights(tiny / "run"), weights(run)
    encoder = [name for name in after if name.startswith("synthesizer.encoder")]
    assert encoder
    assert all(torch.equal(after[name], before[name]) for name in encoder)
    assert not all(torch.equal(after[name], before[name]) for name in after)
    assert any("begin anew" in line for line in progress.lines)
    with pytest.raises(RunError, match=r"weights_for: 'synthesizer\.encodr' matches no parameter; did you mean"):
        train(
            flat,
            from_run=tiny / "run",
            out=tmp_path / "x",
            overrides=["data.root=x", "weights_for=[synthesizer.encodr]"],
        )


def test_a_part_that_the_recipe_lacks_is_left_and_said(tiny, new, tmp_path):
    recipe = write_tiny(tmp_path, lambda tree: tree["parts"].update(clip=CLIP))
    origin = untrained(recipe, tmp_path / "origin", f"data.root={tiny / 'cohort'}")
    progress, plain = Noted(), write_tiny(tmp_path, lambda tree: None)
    run = untrained(plain, tmp_path / "tuned", f"data.root={new}", from_run=origin, progress=progress)
    assert any(line.endswith("does not have are left: clip") for line in progress.lines)
    kept = {name: weight for name, weight in weights(origin).items() if name.startswith("synthesizer")}
    assert same(weights(run), kept)


def test_what_begins_with_no_run_is_one_line(tmp_path):
    recipe = write_tiny(tmp_path, lambda tree: tree.update(weights_for=["synthesizer"]))
    with pytest.raises(RunError, match="weights_for: no run is named"):
        train(recipe, out=tmp_path / "run", overrides=["data.root=nowhere"])


def test_a_missing_run_is_one_line_before_the_data_are_touched(tmp_path, monkeypatch):
    monkeypatch.setattr("anysyn.training.fit.find_all", lambda *_: pytest.fail("the data were touched"))
    recipe = write_tiny(tmp_path, lambda tree: tree.update(weights="no-such-run"))
    with pytest.raises(UserError, match=r"^weights: no-such-run holds no recipe\.yaml: it is not a run folder"):
        train(recipe, out=tmp_path / "run", overrides=["data.root=nowhere"], accelerator="cpu")
    assert not (tmp_path / "run").exists()


def test_the_run_itself_is_never_replaced(tiny, new):
    with pytest.raises(RunError, match="is the run itself"):
        tune(tiny / "run", tiny / "run", new, overwrite=True)
    assert (tiny / "run" / "weights.safetensors").is_file()


def test_neither_a_recipe_nor_a_run_is_one_line(tmp_path):
    with pytest.raises(RunError, match="needs a recipe, or a run to begin with"):
        train(out=tmp_path / "run")
