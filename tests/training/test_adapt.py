import csv
import json
import shutil
from statistics import mean

import pytest
import torch
from gan import recipe_of, write_sites
from toys import TINY

import anysyn
from anysyn.synthesis import load_run
from anysyn.training.run_folder.folder import RunError


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("adapt")
    write_sites(folder / "cohort")
    recipe = recipe_of(folder, folder / "cohort", epochs=1)
    anysyn.train(recipe, out=folder / "run", accelerator="cpu")
    write_sites(folder / "other")
    shutil.move(folder / "other" / "B", folder / "new")  # T1w and FLAIR, four times as bright as A
    adapt(folder, "run", "siteX", "run2", epochs=4)
    return folder


def adapt(place, run, name, out, **how):
    return anysyn.adapt(place / run, data=place / "new", name=name, out=place / out, accelerator="cpu", **how)


def answer(run, dataset):
    study = run.prepare(load_run(run.folder.path.parent / "run", accelerator="cpu").subjects(split="all")[0][0])
    return run.treat_as(dataset).predict(study, ["T1w"], ["FLAIR"])["FLAIR"]


def test_old_datasets_answer_as_before_bit_for_bit(place):
    old, new = (load_run(place / name, accelerator="cpu") for name in ("run", "run2"))
    for name in ("A", "B"):
        assert torch.equal(answer(old, name), answer(new, name))
    assert not torch.equal(answer(new, "siteX"), answer(new, "B"))
    kept, all_of_it = old.model.state_dict(), new.model.state_dict()
    assert all(torch.equal(value, all_of_it[name]) for name, value in kept.items())
    added = all_of_it.keys() - kept.keys()
    assert added
    assert all(".conditioners.1.heads." in f".{name}" for name in added)
    assert any(bool(all_of_it[name].any()) for name in added)


def test_the_loss_of_the_new_dataset_falls(place):
    rows = [row for row in csv.DictReader((place / "run2" / "log.csv").open()) if row["term"] == "synthesis_l1"]
    first, last = (mean(float(row["value"]) for row in rows if row["epoch"] == epoch) for epoch in ("0", "3"))
    assert last < first


def test_the_new_run_is_one_like_any_other(place, tmp_path):
    run = load_run(place / "run2", accelerator="cpu")
    assert json.loads((place / "run2" / "datasets.json").read_text()) == ["A", "B", "siteX"]
    before, after = (json.loads((place / name / "windows.json").read_text()) for name in ("run", "run2"))
    assert after["overall"] == before["overall"]
    assert {name: after["datasets"][name] for name in ("A", "B")} == before["datasets"]
    assert {subject.dataset for subject in run.subjects(split="all")[0]} == {"siteX"}
    found = anysyn.evaluate(run, pairs="T1w:FLAIR", protocol="slices", out=tmp_path / "evaluation", examples=0)
    assert not found.failures
    done = anysyn.complete(run, data=place / "new", out=tmp_path / "out", dataset="siteX")
    assert len(done.written) == 4  # a T2w for each
    assert not done.failures


def test_a_second_dataset_leaves_the_first_alone(place):
    adapt(place, "run2", "siteY", "run3", epochs=1)
    two, three = (load_run(place / name, accelerator="cpu") for name in ("run2", "run3"))
    for name in ("A", "siteX"):
        assert torch.equal(answer(two, name), answer(three, name))


def test_mistakes_are_one_line(place, tmp_path):
    for name in ("A", "mean"):
        with pytest.raises(RunError, match="the run has A, B, mean; choose another name"):
            adapt(place, "run", name, "never")
    with pytest.raises(RunError, match="is the run itself"):
        adapt(place, "run", "siteX", "run", overwrite=True)
    assert (place / "run" / "weights.safetensors").is_file()
    with pytest.raises(RunError, match="not a run folder"):
        adapt(place, "new", "siteX", "never")
    (tmp_path / "tiny.yaml").write_text(TINY)
    said = [f"data.root={place / 'cohort'}", "stages.0.epochs=1"]
    anysyn.train(tmp_path / "tiny.yaml", out=place / "plain", overrides=said, accelerator="cpu")
    with pytest.raises(RunError, match=r"no conditioner is {name: film, reads: {name: dataset}}"):
        adapt(place, "plain", "siteX", "never")
    assert not (place / "never").exists()


def test_stopped_before_it_has_the_weights_of_the_run_it_is_no_run_that_can_be_resumed(place, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("anysyn.training.adaptation.Checkpoints.save", stop)
    with pytest.raises(KeyboardInterrupt):
        adapt(place, "run", "siteX", tmp_path / "out")
    monkeypatch.undo()
    with pytest.raises(RunError, match="not a run folder"):
        anysyn.resume(tmp_path / "out", accelerator="cpu")
    adapt(place, "run", "siteX", tmp_path / "out", overwrite=True, epochs=1)
    assert (tmp_path / "out" / "weights.safetensors").is_file()


def test_the_run_that_is_adapted_is_never_in_the_way_of_the_new_one(place, tmp_path):
    shutil.copytree(place / "run", tmp_path / "out" / "run")
    with pytest.raises(RunError, match="leaves it alone"):
        adapt(place, tmp_path / "out" / "run", "C", tmp_path / "out", overwrite=True)
    assert (tmp_path / "out" / "run" / "weights.safetensors").is_file()
