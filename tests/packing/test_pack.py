"""A packaged run answers as its run does, and tells nothing of its subjects and its machine."""

import json
import shutil

import pytest
import safetensors.torch
import torch
import yaml
from packed import pack_tiny, write_notes

from anysyn.errors import UserError
from anysyn.packaged.card import read_card
from anysyn.packing.facts import trained_on
from anysyn.packing.pack import pack
from anysyn.progress import Progress
from anysyn.synthesis import load_run
from anysyn.training.run_folder.folder import RunFolder


@pytest.fixture(scope="module")
def packed(tiny, tmp_path_factory):
    return pack_tiny(tiny, tmp_path_factory.mktemp("pack"))


def test_it_answers_as_its_run_does(tiny, packed):
    old, new = load_run(tiny / "run", accelerator="cpu"), load_run(packed, accelerator="cpu")
    study = old.prepare(old.subjects()[0][0])
    before, after = (run.predict(study, ["T1w"], ["FLAIR"])["FLAIR"] for run in (old, new))
    assert not torch.equal(before, after)
    assert (before - after).abs().max() < 5e-3
    assert {weight.dtype for weight in new.model.state_dict().values()} <= {torch.float32, torch.int64}


def test_what_was_learned_is_in_half_precision(tiny, packed):
    before, after = (safetensors.torch.load_file(folder / "weights.safetensors") for folder in (tiny / "run", packed))
    assert before.keys() == after.keys()
    assert all(after[name].dtype == torch.float16 for name in before if name.endswith("weight"))
    assert (packed / "weights.safetensors").stat().st_size < 0.8 * (tiny / "run" / "weights.safetensors").stat().st_size


def test_nothing_names_a_subject_or_a_path(tiny, packed):
    names = {path.name for path in packed.iterdir()}
    assert names == {
        *("recipe.yaml", "weights.safetensors", "windows.json", "datasets.json", "study.json", "profile.json"),
        *("README.md", "manifest.json"),
    }
    for path in packed.iterdir():
        content = path.read_bytes()
        assert b"sub-0" not in content, path
        assert str(tiny).encode() not in content, path
    data = yaml.safe_load((packed / "recipe.yaml").read_text())["data"]
    assert (data["root"], data["cache"], data["names"], data["split"]["train"]) == (None, None, {}, 0.7)


def test_a_subject_in_the_notes_is_refused_without_its_name(tiny, tmp_path):
    shutil.copytree(tiny / "run", tmp_path / "run")
    notes = write_notes(tmp_path, limitations=["fails for sub-00"])
    with pytest.raises(UserError, match=r"README.md:\d+: names a subject of the training") as caught:
        pack(tmp_path / "run", name="tiny-brain", card=notes, out=tmp_path / "out")
    assert "sub-00" not in str(caught.value)
    assert not (tmp_path / "out" / "tiny-brain" / "recipe.yaml").exists()


def test_of_the_study_the_options_alone_are_shared(tiny, tmp_path):
    shutil.copytree(tiny / "run", tmp_path / "of" / "run")
    study = {"Steps": {"to": "t1", "brain": True, "who": "Jane Doe"}, "BrainExtracted": True, "Name": "Jane Doe"}
    (tmp_path / "of" / "run" / "study.json").write_text(json.dumps(study))
    shared = json.loads((pack_tiny(tiny, tmp_path) / "study.json").read_text())
    assert shared == {"Steps": {"to": "T1w", "brain": True}, "BrainExtracted": True, "VoxelSizeMm": None}


def test_the_card_has_what_the_run_and_the_notes_know(packed):
    card = read_card(packed)
    about = card.about
    assert (about["license"], about["library_name"], about["pipeline_tag"]) == (
        "apache-2.0",
        "anysyn",
        "image-to-image",
    )
    assert about["modalities"] == ["T1w", "T2w", "FLAIR"]
    assert about["network_data_format"]["inputs"]["image"]["channel_def"] == {0: "T1w", 1: "T2w", 2: "FLAIR"}
    assert about["trained_on"] == "2 subjects: ellipsoids (simulated)"
    assert about["data"][0]["license"] == "CC0-1.0"
    assert "Synthetic, not for clinical use" in card.text
    assert "## Where it fails\n\n- anything that is no ellipsoid" in card.text


def test_a_run_without_its_training_data_is_packed_without_a_profile_and_says_so(tiny, tmp_path):
    class Noted(Progress):
        lines = ()

        def say(self, line):
            self.lines += (line,)

    shutil.copytree(tiny / "run", tmp_path / "of" / "run")
    (tmp_path / "of" / "run" / "profile.json").unlink()
    recipe = tmp_path / "of" / "run" / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace(str(tiny / "cohort"), str(tmp_path / "gone")))
    progress = Noted()
    assert not (pack_tiny(tiny, tmp_path, progress=progress) / "profile.json").exists()
    assert any("packed without profile.json" in line for line in progress.lines)


def test_a_calibration_goes_with_it(tiny, tmp_path):
    from anysyn.trust.calibrate import calibrate
    from anysyn.trust.trusted import read_calibration

    shutil.copytree(tiny / "run", tmp_path / "of" / "run")
    calibrate(tmp_path / "of" / "run", split="all", accelerator="cpu")
    packed = load_run(pack_tiny(tiny, tmp_path), accelerator="cpu")
    assert read_calibration(packed).people == 4


def test_nothing_is_replaced_unless_allowed(tiny, tmp_path):
    place = pack_tiny(tiny, tmp_path)
    with pytest.raises(UserError, match="is there already; allow replacing it with --overwrite"):
        pack_tiny(tiny, tmp_path)
    pack_tiny(tiny, tmp_path, overwrite=True)
    (place / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match=r"holds mine\.txt, which `anysyn pack` did not write"):
        pack_tiny(tiny, tmp_path, overwrite=True)
    assert (place / "mine.txt").read_text() == "mine"


def test_what_cannot_be_packed_is_one_line(tiny, packed, tmp_path, monkeypatch):
    with pytest.raises(UserError, match="is a packaged run already"):
        pack(packed, name="again", card=write_notes(tmp_path), out=tmp_path)
    with pytest.raises(UserError, match="has '=' or a blank in it"):
        pack_tiny(tiny, tmp_path, name="my brain")
    with pytest.raises(UserError, match="has '/' in it"):
        pack_tiny(tiny, tmp_path, name="../up")
    monkeypatch.setattr("anysyn.packing.pack.MOST", 1000)
    with pytest.raises(UserError, match=r"above 0 MB; allow that with --large"):
        pack_tiny(tiny, tmp_path)
    assert pack_tiny(tiny, tmp_path, large=True).is_dir()


def test_the_card_says_what_was_measured_and_what_it_was_tuned_from(tiny, tmp_path):
    import anysyn

    asked = [f"data.root={tiny / 'cohort'}", "stages.0.epochs=1"]
    out = tmp_path / "of" / "run"
    anysyn.train(from_run=tiny / "run", out=out, overrides=asked, accelerator="cpu")
    anysyn.evaluate(out, split="all", pairs="T1w:T2w", examples=0, accelerator="cpu")
    card = read_card(pack_tiny(tiny, tmp_path))
    assert card.about["fine_tuned_from"]["run"] == "run"
    [score] = card.about["eval_scores"]
    assert score["on"] == "4 subjects (all) of the training's cohort, protocol anysyn"
    assert set(score["metrics"]) == {"psnr", "ssim", "mae"}
    assert "| T1w → T2w | 4 subjects (all)" in card.text


def test_a_person_who_is_listed_several_times_counts_once(tmp_path):
    (tmp_path / "split.json").write_text('{"train": ["a", "b", "c"], "validation": [], "test": []}')
    assert trained_on(RunFolder(tmp_path)) == 3
    rows = ["subject,split,T1w", "a,train,1.nii", "b,train,1.nii", "c,train,2.nii", "d,validation,3.nii"]
    (tmp_path / "subjects.csv").write_text("\n".join(rows))
    assert trained_on(RunFolder(tmp_path)) == 2
