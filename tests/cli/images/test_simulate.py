"""Centres that are named twice, or in two ways, are refused before anything is simulated."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from anysyn.cli import app


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("--centres", "A,A"), 1, "a centre is there twice"),
        (("--sites", "A,B,A"), 1, "a centre is there twice"),
        (("--centres", "2", "--sites", "3"), 2, "are one option"),
        (("--centres", "9"), 1, "choose 1 to"),
    ],
)
def test_centres_that_make_no_sense_are_refused(tmp_path: Path, words: tuple[str, ...], code: int, part: str) -> None:
    result = CliRunner().invoke(app, ["simulate", str(tmp_path / "cohort"), *words])
    assert result.exit_code == code
    assert part in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "cohort").exists()
