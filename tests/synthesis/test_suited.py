from __future__ import annotations

import json
import shutil

import nibabel as nib
import pytest
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app
from anysyn.errors import UserError
from anysyn.synthesis import load_run
from anysyn.synthesis.suited import NO_PROFILE, doubts, verdict_on


@pytest.fixture
def run(tiny, tmp_path):
    """A run of many people, as its profile says: nothing but the count differs from the one of the training."""
    shutil.copytree(tiny / "run", tmp_path / "run")
    path = tmp_path / "run" / "profile.json"
    path.write_text(_of_many(json.loads(path.read_text())))
    return tmp_path / "run"


def _of_many(profile):
    for contrast in profile["contrasts"].values():
        contrast["images"] = 40
    return json.dumps(profile)


@pytest.fixture
def half(tiny, tmp_path):
    image = nib.load(tiny / "cohort" / "sub-00" / "T1w.nii.gz")
    path = tmp_path / "half.nii.gz"
    nib.Nifti1Image(image.get_fdata(dtype="float32")[: image.shape[0] // 2], image.affine).to_filename(path)
    return path


def typed(*words):
    return CliRunner().invoke(app, ["synthesize", *map(str, words)])


def test_a_training_measures_its_images(tiny):
    profile = json.loads((tiny / "run" / "profile.json").read_text())
    assert set(profile["contrasts"]) == set(load_run(tiny / "run", accelerator="cpu").recipe.modalities)


def test_what_does_not_suit_is_refused_unless_asked_for(run, half, tmp_path):
    asked = (run, "--source", f"T1w={half}", "--target", "T2w", "--out", tmp_path / "t2.nii.gz", "--accelerator", "cpu")
    result = typed(*asked)
    assert result.exit_code == 1
    assert "does not suit" in result.output
    assert "--anyway" in result.output
    assert not (tmp_path / "t2.nii.gz").exists()
    result = typed(*asked, "--anyway")
    assert result.exit_code == 0
    assert "refuse: T1w" in result.output
    record = json.loads((tmp_path / "t2.json").read_text())
    assert record["Suitability"]["Level"] == "refuse"


def test_a_completion_lists_who_does_not_suit_and_completes_the_others(run, half, tiny, tmp_path):
    people = tmp_path / "people"
    for key, path in (("sub-00", tiny / "cohort" / "sub-00" / "T1w.nii.gz"), ("sub-99", half)):
        (people / key).mkdir(parents=True)
        shutil.copy(path, people / key / "T1w.nii.gz")
    done = anysyn.complete(run, data=people, out=tmp_path / "out", accelerator="cpu")
    assert [failure.key for failure in done.failures] == ["sub-99"]
    assert any("sub-00" in str(path) for path in done.written)
    again = anysyn.complete(run, data=people, out=tmp_path / "all", accelerator="cpu", anyway=True)
    assert not again.failures
    assert any("sub-99: refuse" in line for line in again.lines())


def test_a_run_without_a_profile_refuses_nothing_and_says_so(run, half, tmp_path):
    (run / "profile.json").unlink()
    loaded = load_run(run, accelerator="cpu")
    assert verdict_on(loaded, None, ["T1w"]) == NO_PROFILE
    anysyn.synthesize(loaded, sources={"T1w": half}, targets=["T2w"], out=tmp_path / "t2.nii.gz")
    record = json.loads((tmp_path / "t2.json").read_text())
    assert record["Suitability"]["Level"] == "unknown"
    assert not list(doubts("half", record))


def test_a_damaged_profile_is_one_line(run, half, tmp_path):
    (run / "profile.json").write_text("[]")
    with pytest.raises(UserError, match="not what a training writes"):
        anysyn.synthesize(run, sources={"T1w": half}, targets=["T2w"], out=tmp_path / "t2.nii.gz")
