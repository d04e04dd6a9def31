"""What the first process does for all: where it fails, one line is said, by it alone."""

import os
import subprocess
import sys
from contextlib import nullcontext

import pytest

from anysyn.errors import UserError, explain
from anysyn.training.processes import EndedByFirstError, first_then_all, in_first, processes_of
from anysyn.training.run_folder.folder import RunError


class Process:
    """One of two processes, which hears of the first whether it failed."""

    def __init__(self, rank, failed):
        self.is_global_zero, self.failed = rank == 0, failed

    def rank_zero_first(self):
        return nullcontext()

    def broadcast(self, failed):
        return failed if self.is_global_zero else self.failed


def refuse():
    raise UserError("run is not empty")


def test_the_first_process_says_what_is_wrong_and_the_others_nothing():
    with pytest.raises(UserError, match="run is not empty"):
        in_first(Process(0, failed=True), refuse)
    with pytest.raises(EndedByFirstError) as caught:
        in_first(Process(1, failed=True), lambda: pytest.fail("only the first process calls"))
    assert explain(caught.value) == []


def test_what_the_first_prepared_is_then_used_by_all():
    calls = []
    assert first_then_all(Process(0, failed=False), lambda: calls.append(0) or "first") == "first"
    assert first_then_all(Process(1, failed=False), lambda: calls.append(1) or "second") == "second"
    assert calls == [0, 1]


def test_a_mistake_of_another_process_alone_is_said_by_it():
    with pytest.raises(UserError, match="run is not empty"):
        first_then_all(Process(1, failed=False), refuse)


@pytest.mark.slow
def test_two_processes_refuse_a_folder_in_one_line(tiny, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    words = ["train", tiny / "tiny.yaml", "--out", tmp_path, f"data.root={tiny / 'cohort'}", "--devices", "2"]
    script = tmp_path.parent / "anysyn_train.py"  # what the first process starts the second one with
    script.write_text("from anysyn.cli import app; app()")
    command = [sys.executable, *map(str, [script, *words]), "--accelerator", "cpu"]
    made = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    assert made.returncode == 1
    assert made.stderr.count("is not empty") == 1
    assert "Traceback" not in made.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


SRUN = {"SLURM_NTASKS": "8", "SLURM_NTASKS_PER_NODE": "4", "SLURM_NNODES": "2", "SLURM_JOB_NAME": "train"}


def started(monkeypatch, **variables):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("devices", ["auto", 8])
def test_the_tasks_of_srun_are_the_processes_of_one_run(monkeypatch, devices):
    started(monkeypatch, **SRUN)
    assert processes_of("cpu", devices) == (4, 2)


def test_torchrun_on_several_nodes_is_one_run(monkeypatch):
    started(monkeypatch, TORCHELASTIC_RUN_ID="none", WORLD_SIZE="6")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert processes_of("cpu", "auto") == (6, 1)
    assert processes_of("gpu", "auto") == (2, 3)


def test_one_task_of_slurm_is_as_without(monkeypatch):
    started(monkeypatch, **SRUN | {"SLURM_NTASKS": "1", "SLURM_NTASKS_PER_NODE": "1"})
    assert processes_of("gpu", 3) == (3, 1)
    assert processes_of("cpu", "auto") == (1, 1)


def test_other_numbers_than_were_started_are_refused(monkeypatch):
    started(monkeypatch, **SRUN)
    with pytest.raises(RunError, match="srun started 8 processes, but --devices is 2; leave --devices out"):
        processes_of("gpu", 2)
    monkeypatch.setenv("SLURM_NTASKS", "7")
    with pytest.raises(RunError, match="its nodes do not share equally"):
        processes_of("gpu", "auto")
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE")
    with pytest.raises(RunError, match="--ntasks-per-node=7"):
        processes_of("gpu", "auto")
