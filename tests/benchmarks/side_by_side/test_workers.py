"""Workers hand over what the process itself would make, and the command takes all of it."""

import torch
from side_by_side.made_volumes import write_subjects
from side_by_side.workers import Making, samples_of
from speed import app
from typer.testing import CliRunner

from anysyn.data.loading.ahead import Ahead, Plan


def test_batches_of_a_worker_are_those_of_the_process(tmp_path):
    making = Making(samples_of(write_subjects(tmp_path / "subjects", 3, 16), 8))
    plans = [Plan([0, 1], 3), Plan([2, 0], 4)]
    apart = Ahead(making, workers=1)
    for made, plan in zip(apart.epoch(plans), plans, strict=True):
        torch.testing.assert_close(made.batch.images, making(plan).batch.images, rtol=0, atol=0)
        torch.testing.assert_close(made.query.sources, making(plan).query.sources, rtol=0, atol=0)
    apart.close()


def test_the_command_compares_one_and_two():
    words = ["workers", "--subjects", "3", "--side", "16", "--patch", "8", "--size", "2", "--batches", "2"]
    shown = CliRunner().invoke(app, [*words, "--rounds", "1"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.count("batches a second") == 2
    assert "1.00 times one" in shown.output
