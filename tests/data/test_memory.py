from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from anysyn.data import memory
from anysyn.data.errors import VolumeError
from anysyn.data.memory import check_memory, free_memory


def test_the_free_memory_is_that_of_the_system() -> None:
    assert 10e6 < free_memory() < os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_the_limit_of_a_job_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {"max": "2000000", "current": "1500000", "stat": "anon 5\ninactive_file 100000\n"}.items():
        (tmp_path / f"memory.{name}").write_text(text)
    monkeypatch.setattr(memory, "_CONTROL_GROUP", tmp_path)
    assert free_memory() == 600000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory() > 600000


def test_the_limit_of_the_process_counts() -> None:
    code = (
        "import resource; from anysyn.data.memory import free_memory;"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40)); print(free_memory() < 1 << 40)"
    )
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout == "True\n"


def test_a_system_that_does_not_say_has_no_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "none")
    monkeypatch.setattr(memory, "_CONTROL_GROUP", tmp_path / "none")
    monkeypatch.setattr(memory.os, "sysconf", lambda name: (_ for _ in ()).throw(ValueError(name)))
    monkeypatch.setattr(memory, "_left_in_limit", lambda: math.inf)
    assert free_memory() == math.inf


def test_what_does_not_fit_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory", lambda: 2e9)
    check_memory(1.9e9, "t1.nii", "crop it")
    with pytest.raises(VolumeError, match=r"^t1.nii: needs 3 GB of memory, and 2 GB are free; crop it$"):
        check_memory(3e9, "t1.nii", "crop it")
