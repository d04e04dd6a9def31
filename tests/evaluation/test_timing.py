"""The clock of a synthesis, and the name of the device."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from anysyn.data.volumes.study import Study
from anysyn.evaluation.cases import Cases
from anysyn.evaluation.evaluate import _notes_of
from anysyn.evaluation.metrics.protocol import Protocol, protocol
from anysyn.evaluation.pairs import parse_pairs
from anysyn.evaluation.timing import device_name, timed

CPU = torch.device("cpu")


def test_the_clock_runs_while_something_is_done():
    answer, seconds = timed(lambda: time.sleep(0.05) or 7, CPU)
    assert answer == 7
    assert 0.05 <= seconds < 5


def test_a_cpu_is_named_with_its_threads():
    assert device_name(CPU).endswith(")")
    assert f"CPU, {torch.get_num_threads()} thread" in device_name(CPU)


class SlowRun:
    hardware = SimpleNamespace(device=CPU)
    recipe = SimpleNamespace(modalities=("T1w", "T2w", "FLAIR"))

    def prepare(self, subject):
        images = {name: torch.rand(12, 12, 12) for name in self.recipe.modalities}
        return Study("a", "", images, np.eye(4), torch.ones(12, 12, 12, dtype=torch.bool))

    def predict(self, study, sources, targets, batch):
        time.sleep(0.1)
        return {name: torch.rand(12, 12, 12) for name in targets}


@pytest.mark.parametrize("how", ["table", "protocol", "neither"])
def test_targets_of_the_same_sources_share_the_seconds(how, tmp_path):
    own = Protocol(name="clock", metrics=("psnr", "seconds")) if how == "protocol" else protocol("anysyn")
    pairs = parse_pairs("T1w:T2w,T1w:FLAIR", SlowRun.recipe.modalities)
    cases = Cases(
        run=SlowRun(),
        protocol=own,
        baselines=dict.fromkeys(pairs, ()),
        batch=1,
        examples={},
        folder=tmp_path,
        timed=how == "table",
    )
    cases.add(SimpleNamespace(key="a", images=dict.fromkeys(SlowRun.recipe.modalities)), pairs)
    assert not cases.failures
    if how == "neither":
        assert "seconds" not in cases.rows[0]
    else:
        assert [0.05 <= row["seconds"] < 1 for row in cases.rows] == [True, True]
    assert bool(_notes_of({"corruption": None, "degradation": None}, own, SlowRun())) == (how == "protocol")
