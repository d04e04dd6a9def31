"""A small table from end to end: what is there is kept, what fails is marked, what is written says what it is."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import run
from paper_tables import launch as launching
from paper_tables import train_and_measure as working
from paper_tables.launch import Clock, Job, Slurm
from paper_tables.store import Store, error_of, fail, finished, record_of, write
from paper_tables.train_and_measure import train_and_measure
from toys import TINY, write_cohort
from typer.testing import CliRunner

from anysyn.errors import UserError
from anysyn.progress import Progress

TABLE = """
title: Small, Table 1
about: One method beside others
paper: Somebody 2020
protocol: slices
metrics: [psnr, mae]
down: [metric, task]
across: [method]
mean: [task]
parameters: true
modalities: [T1w, T2w, FLAIR]
tasks: [T1w:T2w, T1w+FLAIR:T2w]
methods:
  - {name: Ours, recipe: ours.yaml}
  - {name: Copy, simple: source copied}
  - {name: Broken, recipe: ours.yaml, overrides: [data.view.size=wide]}
  - {name: Failing, recipe: ours.yaml, overrides: ["data.datasets=[nowhere]"]}
  - {name: Theirs, recipe: null}
published:
  lines: [metric, task]
  columns: {method: [Ours, Copy, Theirs]}
  values:
    psnr:
      T1w:T2w: [20.0, 15.0, 30.5]
      T1w+FLAIR:T2w: [22.0, 16.0, null]
  parameters: {Ours: 1.2M}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmarks")
    write_cohort(folder / "cohort", subjects=6, shape=(14, 16, 12))
    (folder / "ours.yaml").write_text(TINY)
    (folder / "mine.yaml").write_text(TABLE)
    return folder


@pytest.fixture(scope="module")
def invoke(place):
    def invoked(*words):
        where = ["--data", str(place / "cohort"), "--out", str(place / "out")]
        return CliRunner().invoke(
            run.app, [str(place / "mine.yaml"), *where, "--size", "tiny", "--spacing", "0", *words]
        )

    return invoked


@pytest.fixture(scope="module", autouse=True)
def in_this_process():
    """Do the jobs here: a process of its own for each would spend its time on imports."""

    def jobs(jobs, *_):
        for job in jobs:
            yield job, 0 if train_and_measure(json.loads(job.file.read_text()), accelerator="cpu") else 1

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(launching, "_local", jobs)
        yield


@pytest.fixture(scope="module")
def finished_table(place, invoke):
    result = invoke("--seeds", "2")
    assert result.exit_code == 1, result.output  # two rows failed
    return place / "out" / "tables" / "mine-tiny"


def test_every_row_stands_in_the_table(finished_table):
    text = (finished_table / "table.md").read_text()
    header, _, first = [line for line in text.splitlines() if line.startswith("|")][:3]
    assert [word.strip() for word in header.split("|")][3:8] == ["Ours", "Copy", "Broken", "Failing", "Theirs"]
    psnr = [word.strip() for word in first.split("|")]
    assert psnr[1:3] == ["PSNR (dB) ↑", "T1w → T2w"]
    assert re.fullmatch(r"(\*\*|<u>)\d+\.\d\d ± \d+\.\d\d(\*\*|</u>) \[20\.00\]", psnr[3])
    assert psnr[5:8] == ["failed", "failed", "no recipe [30.50]"]
    assert re.search(r"\| parameters \|  \| 0\.\d\dM \[1\.2M\] \| – \|", text)
    assert "Failed: Failing: " in text
    assert "Failed: Broken: " in text
    assert "Subjects given by the user" in text
    assert "Protocol slices" in text
    assert "Kendall" in text


def test_the_cells_follow_from_the_cases(finished_table):
    with (finished_table / "cases.csv").open() as file:
        cases = [row for row in csv.DictReader(file) if (row["method"], row["task"]) == ("Ours", "T1w:T2w")]
    with (finished_table / "table.csv").open() as file:
        cells = {(row["method"], row["task"], row["metric"]): row for row in csv.DictReader(file)}
    assert {row["seed"] for row in cases} == {"0", "1"}
    values = [float(row["psnr"]) for row in cases]
    own = cells["Ours", "T1w:T2w", "psnr"]
    assert float(own["mean"]) == pytest.approx(sum(values) / len(values))
    assert int(own["cases"]) * 2 == len(cases)
    assert float(own["low"]) <= float(own["mean"]) <= float(own["high"])
    each = [sum(float(row["psnr"]) for row in cases if row["seed"] == seed) / (len(cases) / 2) for seed in "01"]
    assert float(own["seeds"]) == pytest.approx(abs(each[0] - each[1]) / 2**0.5)
    assert (own["paper"], cells["Theirs", "T1w:T2w", "psnr"]["note"]) == ("20.0", "no recipe")


def test_latex_and_page_say_the_same(finished_table, place):
    latex = (finished_table / "table.tex").read_text()
    assert latex.count(r"\textbf{") == 6  # the best of two metrics in two tasks and their mean
    for word in (r"\toprule", r"\midrule", r"\bottomrule", r"T1w+FLAIR $\rightarrow$ T2w"):
        assert word in latex
    assert {line.count("&") for line in latex.splitlines() if line.endswith(r"\\")} == {6}
    page = (place / "out" / "benchmarks.html").read_text()
    for word in (
        "Small, Table 1",
        "error of Ours",
        "Time and memory",
        "MAE ↓ of every subject",
        "no recipe",
        "[30.50]",
    ):
        assert word.replace(" ↓ of", " of") in page, word
    assert "Simulated subjects" not in page
    assert "http" not in page.replace("http://www.w3.org", "")


def test_what_is_there_is_kept_and_failures_are_tried_again(finished_table, place, invoke):
    records = {path: path.stat().st_mtime_ns for path in (place / "out").rglob("record.json")}
    result = invoke("--seeds", "2")
    assert "2 of 6 models" in result.output.replace("\n", " ")  # those that failed
    assert {path: path.stat().st_mtime_ns for path in (place / "out").rglob("record.json")} == records


def test_a_changed_recipe_is_trained_anew(finished_table, place, invoke):
    (place / "ours.yaml").write_text(TINY.replace("5.0e-3", "4.0e-3"))
    result = invoke("--only", "Ours")
    (place / "ours.yaml").write_text(TINY)
    assert "1 of 1 models" in result.output.replace("\n", " ")
    text = (finished_table / "table.md").read_text()
    assert "not run" in text


def test_images_are_resampled_to_the_spacing_that_is_asked_for(finished_table, invoke):
    invoke("--spacing", "2", "--only", "source copied", "--out", str(finished_table.parent / "coarse"))
    text = (finished_table.parent / "coarse" / "tables" / "mine-tiny" / "table.md").read_text()
    assert "resampled to 2 mm" in text
    assert "resampled" not in (finished_table / "table.md").read_text()


def test_folds_test_every_subject_once(finished_table, invoke):
    invoke("--folds", "2", "--only", "source copied")
    with (finished_table / "cases.csv").open() as file:
        cases = [row for row in csv.DictReader(file) if (row["method"], row["task"]) == ("Copy", "T1w:T2w")]
    assert sorted(row["subject"] for row in cases) == [f"sub-0{n}" for n in range(6)]
    assert {row["fold"] for row in cases} == {"1 of 2", "2 of 2"}
    assert "cross-validation of 2 folds" in (finished_table / "table.md").read_text()


@pytest.fixture
def spec(finished_table, place):
    """Return what the process of a model was told."""
    jobs = [json.loads(path.read_text()) for path in sorted((place / "out" / "runs").glob("*.json"))]
    return next(job for job in jobs if finished(Path(job["run"])) and job["recipe"]["stages"][0]["epochs"] == 2)


def test_a_stopped_job_goes_on(spec, tmp_path, monkeypatch):
    class Stop(BaseException):
        pass

    def stop(*_):
        raise Stop

    job = {**spec, "run": str(tmp_path / "run"), "cells": [{**spec["cells"][0], "folder": str(tmp_path / "cell")}]}
    with monkeypatch.context() as patch:
        patch.setattr(working, "measured", stop)
        with pytest.raises(Stop):
            train_and_measure(job, accelerator="cpu")
    assert finished(tmp_path / "run")
    assert not finished(tmp_path / "cell")
    before = (tmp_path / "run" / "record.json").stat().st_mtime_ns
    assert train_and_measure(job, accelerator="cpu")
    assert (tmp_path / "run" / "record.json").stat().st_mtime_ns == before
    assert record_of(tmp_path / "cell")["question"]["measure"] == "pairs"


def test_a_training_that_was_stopped_is_gone_on_with(spec, tmp_path):
    recipe = {**spec["recipe"], "stages": [{**spec["recipe"]["stages"][0], "epochs": 2}]}
    job = {"run": str(tmp_path / "run"), "recipe": recipe, "cells": []}

    class Stop(BaseException):
        pass

    class Stopping(Progress):
        def task(self, title, total, done=0):
            if title.endswith("2/2"):
                raise Stop
            return super().task(title, total, done)

    with pytest.raises(Stop):
        train_and_measure(job, accelerator="cpu", progress=Stopping())
    assert not finished(tmp_path / "run")
    assert train_and_measure(job, accelerator="cpu")
    assert record_of(tmp_path / "run")["resumed"] is True
    log = (tmp_path / "run" / "run" / "log.csv").read_text()
    assert len(set(re.findall(r"^synthesis,(\d),\d+,", log, re.MULTILINE))) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--only", "uors"], "did you mean 'ours'"),
        (["--size", "big"], "no size 'big'"),
        (["--launcher", "slrum"], "did you mean 'slurm'"),
        (["--folds", "9"], "a number from 2 to 6"),
        (["--protocol", "slies"], "did you mean 'slices'"),
    ],
)
def test_mistakes_of_the_user_are_told_in_a_line(invoke, words, told):
    result = invoke(*words)
    assert result.exit_code == 1
    assert told in result.output
    assert "Traceback" not in result.output


def job(tmp_path, number=0):
    folders = {tmp_path / f"cell{number}": {"measure": "pairs"}}
    return Job(f"job {number}", tmp_path / f"run{number}", {}, folders)


def test_a_killed_process_leaves_an_error(tmp_path):
    one = job(tmp_path)
    one.ended(-9)
    assert "SIGKILL" in error_of(one.run)
    fail(one.run, "its own error")
    one.ended(1)
    assert error_of(one.run) == "its own error"
    write(one.run / "record.json", {})
    one.ended(1)
    assert "exit code 1" in error_of(next(iter(one.cells)))


def test_the_time_left_follows_from_what_is_done(monkeypatch):
    monkeypatch.setattr(launching.time, "perf_counter", lambda: 100.0)
    clock = Clock(total=3, at_once=2, began=0.0)
    assert clock.note() == "1 of 3, about 3 min left"
    assert clock.note() == "2 of 3, about 50 s left"
    assert clock.note() == "3 of 3"


def test_jobs_are_submitted_as_to_slurm(tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    fake = tmp_path / "cell.py"
    fake.write_text(
        "import json, sys; from pathlib import Path\nPath(json.load(open(sys.argv[1]))['run'] + '.ran').touch()"
    )
    monkeypatch.setattr(launching, "SCRIPT", fake)
    monkeypatch.setattr(launching, "POLL", 0.2)
    jobs = [job(tmp_path, number) for number in range(2)]
    for one in jobs:
        one.write()
    slurm = Slurm(tmp_path / "slurm", cluster="local", gpus=0)
    assert [code for _, code in launching._submitted(jobs, "cpu", slurm)] == [0, 0]
    assert all(one.run.with_suffix(".ran").exists() for one in jobs)


def test_slurm_without_submitit_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError, match=r"pip install 'anysyn\[slurm\]'"):
        Slurm(tmp_path).executor()


def test_a_job_runs_as_a_process_of_its_own(tmp_path):
    done = job(tmp_path)
    for folder in (done.run, *done.cells):
        write(folder / "record.json", {})
    done.write()
    assert subprocess.run(done.command("cpu", 1), timeout=120).returncode == 0


def test_a_job_keeps_the_order_of_the_parts(tmp_path):
    recipe = {"parts": {"synthesizer": {}, "head": {"model": "@synthesizer"}}}
    one = Job("job", tmp_path / "run", recipe, {})
    one.write()
    assert list(json.loads(one.file.read_text())["recipe"]["parts"]) == ["synthesizer", "head"]


def test_store_keeps_what_belongs_together(tmp_path):
    store = Store(tmp_path)
    assert len({store.run("k"), store.cell("k"), store.cohort("k"), store.table("k"), store.cache}) == 5
