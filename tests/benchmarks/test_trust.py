"""The figures of the page on trust: what is printed of maps whose quality is known."""

from __future__ import annotations

import shutil

import pytest
import torch
import trust
from typer.testing import CliRunner

import anysyn
from anysyn.trust.calibrator import Calibrator
from anysyn.trust.evidence import EVIDENCE
from anysyn.trust.trusted import Calibration


def test_a_constant_map_holds_what_its_width_says_and_correlates_with_nothing():
    generator = torch.Generator().manual_seed(0)
    calibrator = Calibrator(kinds=len(EVIDENCE), targets=1).requires_grad_(False)
    evidence = torch.rand(1, len(EVIDENCE), generator=generator).expand(20_000, -1).T  # (E, V), the same everywhere
    scale = float(calibrator(evidence.T[:1], torch.zeros(1, dtype=torch.long)))
    error = scale * -torch.rand(20_000, generator=generator).clamp(min=1e-9).log()  # exponential with that mean
    calibration = Calibration(calibrator, {"T1w": 2.302585}, 0.9, 4, {"T1w": 0.9})  # log 10: nine in ten are below
    row = trust.measured(calibration, 0, "T1w", evidence + 1e-9 * torch.rand(20_000), error, error)
    assert row["coverage"] == pytest.approx(0.9, abs=0.01)
    assert row["error"] == pytest.approx(row["expected"], rel=0.03)
    assert row["of the best map"] == pytest.approx(1.0)
    assert abs(row["of ranks"]) < 0.05


def test_people_weigh_the_same_however_many_syntheses_they_have():
    rows = [{"person": "a", "coverage": 1.0}] * 3 + [{"person": "b", "coverage": 0.8}]
    assert trust.by_person(rows).startswith("coverage of 2 people: 0.900 +- 0.100, from 0.80 to 1.00")


def test_from_a_run_to_the_table(tiny, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(tiny / "run", run)
    refused = CliRunner().invoke(trust.app, [str(run)])
    assert (refused.exit_code, "anysyn calibrate" in refused.output) == (1, True)
    anysyn.calibrate(run, split="all", most=2, accelerator="cpu")
    answer = CliRunner().invoke(trust.app, [str(run), "--split", "all", "--most", "1"])
    assert answer.exit_code == 0, answer.output
    assert "| all | 3 |" in answer.output
    assert "intervals of 90%, calibrated on 2 people" in answer.output
