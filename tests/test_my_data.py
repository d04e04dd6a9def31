"""Every command of the page about one's own data runs, in the order in which it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

import anysyn
from anysyn.cli import app

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "my-data.md"
SMALL = ["stages.0.epochs=1", "stages.0.batches.size=64", "--accelerator", "cpu"]  # a test has no time for more


def commands() -> list[list[str]]:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    lines = [line for tag, block in blocks if not tag for line in block.splitlines() if line.startswith("anysyn ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


def test_every_command_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {words[0] for words in commands()} >= {"simulate", "data", "train"}
    for words in commands():
        result = CliRunner().invoke(app, [*words, *(SMALL if words[0] == "train" else [])])
        assert result.exit_code == 0, f"anysyn {shlex.join(words)}\n{result.output}"
    subjects = anysyn.find_subjects("subjects.csv").subjects
    assert [subject.key for subject in subjects] == [f"sub-{n:03d}" for n in range(1, 11)]
    assert set(anysyn.inventory("cohort", of="runs/mine").parts.values()) == {"train", "validation", "test"}
