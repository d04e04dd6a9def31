"""Errors of a synthetic CT by tissue."""

from __future__ import annotations

import hounsfield
import pytest
import torch
from hounsfield import Row, table
from typer.testing import CliRunner


def test_each_voxel_counts_in_its_tissue_and_in_all():
    truth = torch.tensor([-1000.0, -100.0, 50.0, 60.0, 1000.0])
    rows = {
        row.tissue: row for row in hounsfield._by_tissue({"model": truth + torch.tensor([0, 10, -5, 5, -400])}, truth)
    }
    assert [rows[name].share for name in ("air", "fat", "soft tissue", "bone", "all")] == pytest.approx(
        [0.2, 0.2, 0.4, 0.2, 1.0]
    )
    assert [rows[name].error for name in ("air", "fat", "soft tissue", "bone", "all")] == [0, 10, 5, 400, 84]
    assert [rows[name].bias for name in ("air", "fat", "soft tissue", "bone", "all")] == [0, 10, 0, -400, -78]


def test_a_tissue_that_nobody_has_is_no_line():
    lines = table([Row("model", "fat", 0.5, 10.0, 2.0), Row("model", "fat", 0.7, 30.0, -2.0)])
    assert lines[2:] == ["| fat | model | 2 | 60 % | 20 | +0 |"]


def test_a_folder_that_is_no_run_is_one_line(tmp_path):
    answer = CliRunner().invoke(hounsfield.app, [str(tmp_path)])
    assert answer.exit_code == 1
    assert "it is not a run folder" in answer.output
    assert len(answer.output.splitlines()) == 1
