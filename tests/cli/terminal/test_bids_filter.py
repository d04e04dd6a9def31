"""The filter file chooses for every command that takes it; messages advise it to no other."""

from __future__ import annotations

import json
import shutil

import pytest
from toys import write_cohort
from typer.testing import CliRunner

from anysyn.cli import app

WHICH = "--bids-filter-file FILE"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Write two people as BIDS, each with two acquisitions of T1w, and the filter for one of them."""
    monkeypatch.chdir(tmp_path)
    cohort = write_cohort(tmp_path / "cohort", 2)
    for key in ("sub-00", "sub-01"):
        folder = tmp_path / "bids" / key / "anat"
        folder.mkdir(parents=True)
        for name, label in (("T1w", "acq-a_"), ("T1w", "acq-b_"), ("T2w", "")):
            shutil.copy(cohort / key / f"{name}.nii.gz", folder / f"{key}_{label}{name}.nii.gz")
    (tmp_path / "f.json").write_text('{"t1w": {"acquisition": "b"}}')
    return tmp_path


def call(*words):
    return CliRunner().invoke(app, [*map(str, words), "--accelerator", "cpu"])


def test_complete_takes_it(tiny, place):
    words = ("complete", tiny / "run", "--data", "bids", "--out", "out", "--anyway")
    without = call(*words)
    assert without.exit_code == 1
    assert without.stderr.count(WHICH) == 2
    assert call(*words, "--bids-filter-file", "f.json").exit_code == 0
    record = json.loads((place / "out/sub-00/anat/sub-00_desc-synthetic_FLAIR.json").read_text())
    assert record["SourceImages"]["T1w"]["file"] == "sub-00_acq-b_T1w.nii.gz"


def test_complete_takes_it_for_scans_that_it_prepares(tiny, place):
    words = ("complete", tiny / "run", "--data", "bids", "--out", "out", "--prepare", "--headers", "--anyway")
    without = call(*words, "--targets", "T1w,FLAIR")
    assert without.exit_code == 1
    assert without.stderr.count(WHICH) == 2
    assert not list(place.glob("out/sub-*/anat/*synthetic_T1w*"))  # what is there does not pass for missing
    assert call(*words, "--bids-filter-file", "f.json", "--overwrite").exit_code == 0
    listed = (place / "out/prepared/subjects.csv").read_text()
    assert "acq-b_T1w" in listed
    assert "acq-a_T1w" not in listed


def test_evaluate_takes_it(tiny, place):
    words = ("evaluate", tiny / "run", "--data", "bids", "--split", "all", "--pairs", "T1w:T2w", "--out", "results")
    without = call(*words)
    assert without.exit_code == 1
    assert WHICH in without.stderr + without.stdout
    assert call(*words, "--bids-filter-file", "f.json", "--overwrite").exit_code == 0
    assert json.loads((place / "results/protocol.json").read_text())["bids"] == {"T1w": {"acq": "b"}}


def test_other_commands_advise_a_table(tiny, place):
    said = CliRunner().invoke(app, ["check", str(tiny / "run"), "--data", "bids", "--make-profile"])
    text = said.stdout + said.stderr
    assert "list the files in a CSV: anysyn data FOLDER --csv subjects.csv" in text
    assert WHICH not in text
    assert "data.bids" not in text
