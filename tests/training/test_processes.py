"""What the first process does for all: where it fails, one line is said, by it alone."""

import os
import subprocess
import sys
from contextlib import nullcontext

import pytest

from anysyn.errors import UserError, explain
from anysyn.training.processes import EndedByFirstError, first_then_all, in_first


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
