import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from toys import TINY, write_cohort
from typer.testing import CliRunner

from anysyn.cli import app


def call(*words):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    write_cohort(folder / "cohort")
    (folder / "tiny.yaml").write_text(TINY)
    trained = call(
        "train", folder / "tiny.yaml", "--out", folder / "run", f"data.root={folder / 'cohort'}", "stages.0.epochs=1"
    )
    assert trained.exit_code == 0, trained.output
    return folder


@pytest.fixture
def t1(place):
    return place / "cohort" / "sub-00" / "T1w.nii.gz"


@pytest.fixture
def synthesize(place, t1):
    """Return a function that synthesizes T2w from T1w, or from another source, with any further options."""

    def run(out, *options, source=t1, target="T2w"):
        words = ("--source", f"T1w={source}", "--target", target, "--out", out)
        return call("synthesize", place / "run", *words, *options)

    return run


def one_line(result, *words):
    assert result.exit_code == 1, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, lines
    for word in words:
        assert word in lines[0]


def test_help_imports_nothing_heavy():
    code = "import sys, anysyn.cli; sys.exit(sorted({'torch', 'numpy', 'pandas'} & sys.modules.keys()) or 0)"
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
    assert "synthetic" in call("--help").output


def test_a_recipe_is_checked_without_monai():
    """Importing it takes longer than all else together; only what is built of its networks needs it."""
    program = "import sys; from anysyn.build import load; load('small/label'); sys.exit('monai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_any_voxel_size_can_be_asked_for(synthesize, tmp_path):
    out = tmp_path / "t2.nii.gz"
    assert synthesize(out, "--target-spacing", "1,1.5,3").exit_code == 0
    assert nib.load(out).shape == (40, 32, 12)
    np.testing.assert_allclose(nib.load(out).header.get_zooms(), (1, 1.5, 3))
    wrong = synthesize(out, "--target-spacing", "1,a,3", "--overwrite")
    assert wrong.exit_code == 2
    assert "--target-spacing '1,a,3'" in " ".join(wrong.stderr.split())
    one_line(synthesize(out, "--target-spacing", "1,2", "--overwrite"), "three lengths")


@pytest.mark.parametrize("change", [("--degrade", "axis=2,factor=2,fwhm=1"), ("--degrade", "gaussian=0.1")])
def test_sources_can_be_degraded_and_corrupted(place, tmp_path, change):
    asked = ("evaluate", place / "run", "--pairs", "T1w:T2w", "--examples", "0", "--out", tmp_path / "poor")
    result = call(*asked, *change)
    assert result.exit_code == 0
    assert any(line.startswith("T1w → T2w  model ") for line in result.stdout.splitlines())
    assert change[1] in (tmp_path / "poor" / "table.md").read_text()


def test_impossible_degradations_and_several_corruptions_are_refused(place, tmp_path):
    asked = ("evaluate", place / "run", "--pairs", "T1w:T2w", "--out", tmp_path / "wrong")
    one_line(call(*asked, "--degrade", "axis=7,factor=2"), "axis is 0, 1 or 2")
    one_line(call(*asked, "--degrade", "gaussian=0.1", "--degrade", "rician=0.1"), "probe robustness takes several")


def test_an_evaluation_in_two_processes_finds_the_same(place, tmp_path):
    for jobs in ("1", "2"):
        options = ("--pairs", "T1w:T2w,T2w:FLAIR", "--examples", "1", "--jobs", jobs, "--out", tmp_path / jobs)
        assert call("evaluate", place / "run", *options, "--accelerator", "cpu").exit_code == 0
    one, two = (pd.read_csv(tmp_path / jobs / "cases.csv") for jobs in ("1", "2"))
    pd.testing.assert_frame_equal(one, two, rtol=1e-5)
    shown = [sorted(path.name for path in (tmp_path / jobs / "examples").iterdir()) for jobs in ("1", "2")]
    assert shown[0] == shown[1] != []


def test_robustness_compares_clean_and_corrupted_sources(place, tmp_path):
    asked = ("probe", "robustness", place / "run", "--pairs", "T1w:T2w", "--corruption", "gaussian=0.2")
    result = call(*asked, "--out", tmp_path / "robust")
    assert result.exit_code == 0, result.output
    cases = pd.read_csv(tmp_path / "robust" / "robustness" / "cases.csv")
    assert {"gaussian"} < set(cases["corruption"].fillna("clean"))


def test_list_shows_every_part_with_its_summary():
    lines = call("list").output.splitlines()
    assert any(line.startswith("encoder unet: ") for line in lines)
    assert all(line.endswith(".") for line in lines)
    alone = [line for line in lines if line.startswith("conditioner ")]
    assert call("list", "conditioners").output.splitlines() == alone != []


def test_list_of_an_unknown_kind_gives_the_nearest_match():
    one_line(call("list", "conditoners"), "did you mean 'conditioner'?")


def test_show_prints_the_sites_and_what_acts_there():
    text = call("show", "small/label").output
    assert "decoder/in" in text
    assert "encoder/block1" in text
    assert "activations" in text


def test_show_counts_a_part_in_the_batches_of_the_stages_that_train_it():
    (line,) = (line for line in call("show", "small/tumsyn").output.splitlines() if line.startswith("activations"))
    assert line.endswith("MiB a batch of 4 in synthesis, tuning")  # the pretraining of the CLIP has batches of 16


def test_a_misspelt_key_gives_one_line_with_the_nearest_match(place):
    result = call("train", place / "tiny.yaml", "--out", place / "never", "parts.synthesizer.encoder.widhts=[8]")
    one_line(result, "parts.synthesizer.encoder.widhts", "did you mean 'widths'?")
    assert not (place / "never").exists()


def test_schema_is_json():
    assert json.loads(call("schema").output)["$schema"]


def test_synthesize_writes_what_was_asked(synthesize, t1, tmp_path):
    out = tmp_path / "t2.nii.gz"
    result = synthesize(out)
    assert result.exit_code == 0, result.output
    assert "not for clinical use" in result.output
    assert nib.load(out).shape == nib.load(t1).shape


def bad_files(folder):
    voxels = np.random.default_rng(0).uniform(1, 9, (8, 8, 4)).astype(np.float32)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), folder / "good.nii.gz")
    whole = (folder / "good.nii.gz").read_bytes()
    (folder / "truncated.nii.gz").write_bytes(whole[: len(whole) // 2])
    (folder / "text.nii.gz").write_text("this is no image")
    (folder / "empty.nii").write_bytes(b"")
    odd = np.where(np.arange(4) == 0, np.nan, voxels)
    for stem, array in {"nan": odd, "constant": np.ones_like(voxels), "four": np.stack([voxels, voxels], -1)}.items():
        nib.save(nib.Nifti1Image(array, np.eye(4)), folder / f"{stem}.nii.gz")


@pytest.mark.parametrize(
    "name", [f"{stem}.nii.gz" for stem in ("truncated", "text", "nan", "constant", "four", "no")] + ["empty.nii"]
)
def test_a_bad_file_gives_one_line_that_names_it(synthesize, tmp_path, name):
    bad_files(tmp_path)
    out = tmp_path / "out" / "t2.nii.gz"
    one_line(synthesize(out, source=tmp_path / name), name)
    assert not out.exists()


@pytest.mark.parametrize(("target", "message"), [("T2x", "did you mean"), ("ADC", "knows no 'ADC'")])
def test_a_wrong_modality_gives_one_line(synthesize, tmp_path, target, message):
    one_line(synthesize(tmp_path / "o.nii.gz", target=target), message)


@pytest.mark.parametrize("name", ["void", "nowhere"])
def test_an_empty_or_missing_folder_is_one_line(place, tmp_path, name):
    (tmp_path / "void").mkdir()
    one_line(call("train", place / "tiny.yaml", "--out", tmp_path / "run", f"data.root={tmp_path / name}"), name)


def test_a_folder_without_write_permission_is_one_line(synthesize, tmp_path, monkeypatch):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    if os.geteuid() == 0:  # root may write everywhere, so the system's answer is played

        def refuse(path, *_, **__):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))

        monkeypatch.setattr(Path, "mkdir", refuse)
    one_line(synthesize(locked / "made" / "t2.nii.gz"), "locked", "choose")


def test_an_output_below_a_file_is_one_line(synthesize, tmp_path):
    (tmp_path / "file").write_text("x")
    one_line(synthesize(tmp_path / "file" / "t2.nii.gz"), "file")


def test_bad_cases_are_listed_the_others_finish_and_the_exit_code_is_1(place, tmp_path):
    cohort = tmp_path / "cohort"
    shutil.copytree(place / "cohort", cohort)
    (cohort / "sub-00" / "T2w.nii.gz").write_bytes(b"broken")
    result = call("evaluate", place / "run", "--data", cohort, "--split", "all", "--out", tmp_path / "results")
    assert result.exit_code == 1
    assert "sub-00" in result.stderr
    rows = (tmp_path / "results" / "cases.csv").read_text().splitlines()
    assert any(row.startswith("sub-01") for row in rows)
    assert not any(row.startswith("sub-00") and "T2w" in row for row in rows)


def test_resume_takes_nothing_else(place):
    assert call("train", place / "tiny.yaml", "--resume", place / "run").exit_code == 2


def test_evaluate_and_report(place):
    assert call("evaluate", place / "run", "--pairs", "T1w:T2w,T1w+T2w:FLAIR").exit_code == 0
    assert (place / "run" / "evaluation" / "table.md").is_file()
    assert call("report", place / "run").exit_code == 0
    assert "Not for clinical use" in (place / "run" / "report.html").read_text()
