from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import anysyn

FOLDER = Path(__file__).parents[3] / "benchmarks" / "brain_mri"


@pytest.fixture
def command(monkeypatch):
    """Return a function that runs one of the scripts as a command."""
    monkeypatch.syspath_prepend(str(FOLDER))

    def run(script, *words):
        monkeypatch.delitem(sys.modules, script, raising=False)
        return CliRunner().invoke(__import__(script).app, list(map(str, words)))

    return run


@pytest.fixture
def people(tiny, tmp_path):
    subjects = anysyn.find_subjects(tiny / "cohort").subjects
    rows = [{"subject": s.key, **{name: str(path) for name, path in s.images.items()}} for s in subjects]
    path = tmp_path / "people.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def test_the_list_repeats_real_people_and_leaves_out_the_tested(command, people, tmp_path):
    (tmp_path / "real.csv").write_text(people.read_text())
    asked = ("--simulated", people, "--real", tmp_path / "real.csv", "--without", "sub-01", "--times", 2)
    result = command("list_people", tmp_path / "all.csv", *asked)
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "all.csv")
    simulated, real = (table[table.subject.str.startswith(name)] for name in ("people-", "real-"))
    assert list(simulated.split) == ["train"] * (len(simulated) - 1) + ["validation"]
    assert not real.subject.str.contains("sub-01").any()
    assert real.person.value_counts().eq(2).all()
    assert "there already" in command("list_people", tmp_path / "all.csv", *asked).output


def test_a_run_is_measured_on_people_beside_a_regression_of_the_others(command, people, tiny, tmp_path):
    asked = (tiny / "run", "--people", people, "--test", "sub-01", "--rival", f"same={tiny / 'run'}", "--most", 2)
    result = command("measure", *asked, "--out", tmp_path / "cases.csv")
    assert result.exit_code == 0, result.output
    cases = pd.read_csv(tmp_path / "cases.csv")
    assert set(cases.method) == {"run", "same", "source copied", "regression"}
    assert (cases.psnr_scaled >= cases.psnr - 1e-9).all()
    both = cases.pivot_table(index="pair", columns="method", values="psnr")
    assert both["run"].equals(both["same"].rename("run"))
    assert "choices" in command("measure", *asked[:3], "--test", "nobody").output


def test_a_classifier_of_other_people_names_what_was_synthesized(command, people, tiny):
    result = command("obedience", tiny / "run", "--people", people, "--test", "sub-01")
    assert result.exit_code == 0, result.output
    assert {"real", "synthetic"} <= set(result.output.split())


def test_scales_are_compared_on_others(command, people):
    result = command("scales", "--real", people, "--simulated", people, "--most", 1)
    assert result.exit_code == 0, result.output
    assert result.output.count("deep_median") == 3


def test_slices_of_one_voxel_are_measured_as_by_measure_and_thicker_ones_differ(command, people, tiny, tmp_path):
    asked = (tiny / "run", "--people", people, "--test", "sub-01")
    result = command("conditions", "voxels", *asked, "--factors", "1,4")
    assert result.exit_code == 0, result.output
    rows = {words[0]: words for words in map(str.split, result.output.splitlines()) if words}
    assert command("measure", *asked, "--out", tmp_path / "cases.csv").exit_code == 0
    cases = pd.read_csv(tmp_path / "cases.csv")
    assert float(rows["1.0"][1]) == pytest.approx(cases[cases.method == "run"].psnr.mean(), abs=1e-3)
    assert rows["4.0"][1] != rows["1.0"][1]


def test_the_same_people_with_and_without_a_skull_are_compared_on_the_same_voxels(command, tiny):
    result = command("conditions", "skull", tiny / "run", "--heads", tiny / "cohort", "--brains", tiny / "cohort")
    assert result.exit_code == 0, result.output
    alone, whole = (line.split()[2:] for line in result.output.splitlines() if line.startswith(("brain ", "whole ")))
    assert alone == whole
