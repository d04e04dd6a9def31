"""The command that tells whether a run suits a scan."""

import shutil

import nibabel as nib
import pytest
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app
from anysyn.training.run_folder.records import RunError


@pytest.fixture
def run(tiny, tmp_path):
    shutil.copytree(tiny / "run", tmp_path / "run")
    return tmp_path / "run"


def typed(*words):
    return CliRunner().invoke(app, ["check", *map(str, words)])


def test_a_run_is_measured_once_and_then_checks_scans(run, tiny):
    scan = tiny / "cohort" / "sub-00" / "T1w.nii.gz"
    (run / "profile.json").unlink()  # as a run of an earlier version
    assert "--make-profile" in typed(run, "--source", f"T1w={scan}").output
    assert typed(run, "--make-profile").exit_code == 0
    assert "profile.json" in (run / "manifest.json").read_text()
    result = typed(run, "--source", f"T1w={scan}")
    assert result.exit_code == 0
    assert "T1w.nii.gz" in result.output


def test_the_profile_names_nobody_and_a_damaged_one_is_one_line(run, tiny):
    anysyn.check(run, make=True)
    text = (run / "profile.json").read_text()
    assert not any(path.name in text for path in (tiny / "cohort").iterdir())
    (run / "profile.json").write_text('{"contrasts": 3}')
    with pytest.raises(RunError, match="not what a training writes"):
        anysyn.check(run, data=tiny / "cohort")


def test_of_a_cohort_a_bad_scan_costs_itself(run, tiny, tmp_path):
    shutil.copytree(tiny / "cohort", tmp_path / "cohort")
    broken = tmp_path / "cohort" / "sub-01" / "T1w.nii.gz"
    broken.write_bytes(broken.read_bytes()[:-200])
    found = anysyn.check(run, data=tmp_path / "cohort", make=True)
    assert any("sub-01" in str(failure) for failure in found.failures)
    assert "sub-00" in found.verdicts


def test_a_cut_scan_is_found_by_a_run_of_enough_people(tmp_path, tiny, run):
    anysyn.check(run, make=True)
    image = nib.load(tiny / "cohort" / "sub-00" / "T1w.nii.gz")
    half = nib.Nifti1Image(image.get_fdata(dtype="float32")[: image.shape[0] // 2], image.affine)
    half.to_filename(tmp_path / "half.nii.gz")
    found = anysyn.check(run, sources={"T1w": tmp_path / "half.nii.gz"})
    (verdict,) = found.verdicts.values()
    assert verdict.level == "warn", "a profile of a handful never refuses"
