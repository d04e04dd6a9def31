"""Commands that train a small network and use it print what they measured."""

import re

import pytest
import speed
from side_by_side.made_volumes import write_subjects
from side_by_side.start import started
from typer.testing import CliRunner


def run(*words):
    shown = CliRunner().invoke(speed.app, [*words])
    assert shown.exit_code == 0, shown.output
    return shown.output


def test_many_subjects_are_completed_the_same_by_two_processes():
    shown = run("cohort", "--subjects", "3", "--side", "16")
    assert re.findall(r"(\d) jobs: (\d) images", shown) == [("1", "3"), ("2", "3")]
    assert "the same to the bit" in shown


def test_memory_is_measured_of_both_commands():
    shown = run("memory", "--subjects", "6", "--side", "16")
    assert re.findall(r"^(\w+) +6 subjects", shown, re.MULTILINE) == ["train", "prepared", "complete"]


def test_a_start_is_measured_and_a_failure_is_raised():
    seconds, megabytes = started("import json")
    assert 0 < seconds < 5
    assert 1 < megabytes < 500
    with pytest.raises(RuntimeError, match="broken"):
        started("raise SystemExit('broken')")


@pytest.mark.slow
def test_a_synthesis_starts():
    assert "synthesize, first tile" in run("start", "--rounds", "1")


def test_made_subjects_differ_and_may_lack_a_contrast(tmp_path):
    folder = write_subjects(tmp_path, 2, 8, lacks="T2w")
    files = sorted(folder.rglob("*.nii.gz"))
    assert [path.name for path in files] == ["T1w.nii.gz"] * 2
    assert files[0].read_bytes() != files[1].read_bytes()
