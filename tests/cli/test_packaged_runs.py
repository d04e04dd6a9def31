"""Every command that takes a run takes the name of a packaged one, and none writes into it."""

import json

import pytest
import yaml
from packed import pack_tiny, write_notes
from typer.testing import CliRunner

from anysyn.cli import app


def call(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def fine(*words):
    result = call(*words)
    assert result.exit_code == 0, result.output
    return result


def refused(*words):
    """Return the one line that a command says."""
    result = call(*words)
    assert result.exit_code == 1, result.output
    [line] = result.stderr.strip().splitlines()
    return line


@pytest.fixture(scope="module")
def packages(tiny, tmp_path_factory):
    return pack_tiny(tiny, tmp_path_factory.mktemp("cli")).parent


@pytest.fixture(autouse=True)
def place(packages, tmp_path, monkeypatch):
    """Work in an empty folder, where a name can only be that of a packaged run; that stays as it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("anysyn.packaged.names.own_packages", lambda: packages)
    before = {path.name: path.read_bytes() for path in (packages / "tiny-brain").iterdir()}
    yield tmp_path
    assert {path.name: path.read_bytes() for path in (packages / "tiny-brain").iterdir()} == before


@pytest.fixture
def cohort(tiny):
    return tiny / "cohort"


def test_synthesize_and_complete(cohort, place):
    t1 = cohort / "sub-00" / "T1w.nii.gz"
    fine("synthesize", "tiny-brain", "--source", f"T1w={t1}", "--target", "FLAIR", "--out", "flair.nii.gz")
    assert (place / "flair.nii.gz").is_file()
    fine("complete", "tiny-brain", "--data", cohort, "--out", "completed")
    trust = ("--source", f"T1w={t1}", "--target", "FLAIR", "--out", "again.nii.gz", "--trust")
    assert "nothing says how far to trust it" in refused("synthesize", "tiny-brain", *trust)


def test_evaluate_report_and_probe_need_a_place(cohort, place, packages):
    of = ("--data", cohort, "--split", "all")
    assert "names nobody of its training; use --split all" in refused("evaluate", "tiny-brain", "--data", cohort)
    assert "names no data" in refused("evaluate", "tiny-brain", "--split", "all", "--out", "results")
    assert "is a packaged run, and nothing is written into it (evaluation); name a folder with --out" in refused(
        "evaluate", "tiny-brain", *of
    )
    inside = packages / "tiny-brain" / "mine"
    assert "nothing is written into it (mine); choose another" in refused(
        "evaluate", "tiny-brain", *of, "--out", inside
    )
    assert "nothing is written into it (mine); choose another" in refused("report", "tiny-brain", "--out", inside)
    said = fine("evaluate", "tiny-brain", *of, "--pairs", "T1w:T2w", "--out", "results", "--examples", 0, "--jobs", 2)
    assert "anysyn report tiny-brain --results results --out report.html" in said.output
    assert "(report.html); name a page with --out" in refused("report", "tiny-brain", "--results", "results")
    fine("report", "tiny-brain", "--results", "results", "--out", "report.html")
    line = refused("probe", "content", "tiny-brain", *of)
    assert "nothing is written into it (evaluation); name a folder with --out" in line
    line = refused("probe", "content", "tiny-brain", *of, "--out", "results")
    assert "with its weights at the end alone, and not those of its stage 'synthesis'" in line
    asked = ("--pairs", "T1w:T2w", "--corruption", "gaussian=0.1", "--out", "results")
    said = fine("probe", "robustness", "tiny-brain", *of, *asked)
    assert "cannot be written, so the report needs --results" in said.output
    assert (place / "results" / "robustness" / "record.json").is_file()
    compared = refused("probe", "robustness", "tiny-brain", *of, *asked[:-1], "more", "--compare", "b=tiny-brain")
    assert "does not say whom it has seen" in compared


def test_check_and_calibrate(cohort):
    fine("check", "tiny-brain", "--source", f"T1w={cohort / 'sub-00' / 'T1w.nii.gz'}")
    assert "nothing is written into it (profile.json)" in refused("check", "tiny-brain", "--make-profile")
    asked = ("calibrate", "tiny-brain", "--data", cohort, "--split", "all")
    assert "nothing is written into it (trust.safetensors); " in (said := refused(*asked))
    assert "anysyn train --from-run, then anysyn calibrate" in said


def test_show_data_and_models(cohort):
    assert "encoder/block0" in fine("show", "tiny-brain").output
    assert "sub-00" in fine("data", cohort, "--for", "tiny-brain").output
    assert "tiny-brain 1.0.0" in fine("models").output
    assert "# tiny-brain" in fine("models", "tiny-brain").output
    assert json.loads(fine("models", "--json").output)[0]["license"] == "apache-2.0"
    assert json.loads(fine("models", "tiny-brain", "--json").output)["modalities"] == ["T1w", "T2w", "FLAIR"]
    assert "did you mean 'tiny-brain'" in refused("models", "tiny-brian")


def test_adapt_reads_it_and_resume_refuses(cohort):
    assert "no conditioner is" in refused("adapt", "tiny-brain", "--data", cohort, "--name", "new", "--out", "adapted")
    line = refused("train", "--resume", "tiny-brain")
    assert "begin a run of your own with its weights: anysyn train --from-run tiny-brain --out RUN" in line


def test_train_begins_with_it(cohort, place):
    words = (f"data.root={cohort}", "stages.0.epochs=1", "--accelerator", "cpu")
    fine("train", "--from-run", "tiny-brain", "--out", "tuned", *words)
    assert yaml.safe_load((place / "tuned" / "recipe.yaml").read_text())["weights"] == "tiny-brain"
    assert call("train", "--out", "tuned", "seed=1").exit_code == 1
    assert "did you mean 'tiny-brain'" in refused(
        "train", "tiny-brain", "--from-run", "tiny-brian", "--out", "x", *words
    )


def test_a_folder_of_its_name_is_noted(packages, place):
    (place / "tiny-brain").mkdir()
    result = call("show", "tiny-brain")
    assert "note: tiny-brain is the folder here, not the packaged run" in result.stderr


def test_pack(tiny, place):
    words = ("--name", "mine", "--card", write_notes(place), "--out", "shared")
    assert "is a packaged run already" in refused("pack", "tiny-brain", *words)
    assert not (place / "shared").exists()
