"""16 bits on a processor that only emulates them are said, by a training and by a synthesis; nothing else is."""

import pytest
import torch
from toys import TINY, write_cohort

from anysyn.progress import Progress
from anysyn.synthesis import load_run
from anysyn.training import devices
from anysyn.training.fit import train


class Said(Progress):
    """Keeps what is said."""

    def __init__(self):
        self.lines = []

    def say(self, line):
        self.lines.append(line)

    def notes(self):
        return [line for line in self.lines if "emulates" in line]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    write_cohort(folder / "cohort")
    (folder / "tiny.yaml").write_text(TINY)
    said = Said()
    options = [f"data.root={folder / 'cohort'}", "precision=bf16-mixed"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(devices, "_has_bfloat16", lambda: False)
        train(folder / "tiny.yaml", out=folder / "run", overrides=options, accelerator="cpu", progress=said)
    return folder / "run", said


def test_a_training_says_it_once(run):
    assert len(run[1].notes()) == 1
    assert "bf16-mixed" in run[1].notes()[0]
    assert "precision=32-true" in run[1].notes()[0]


@pytest.mark.parametrize(("has", "precision", "notes"), [(False, None, 1), (False, "32-true", 0), (True, None, 0)])
def test_a_synthesis_says_it_where_it_is_so(run, monkeypatch, has, precision, notes):
    monkeypatch.setattr(devices, "_has_bfloat16", lambda: has)
    said = Said()
    load_run(run[0], accelerator="cpu", precision=precision, progress=said)
    assert len(said.notes()) == notes


def test_a_gpu_is_not_asked(monkeypatch):
    monkeypatch.setattr(devices, "_has_bfloat16", lambda: False)
    assert devices.emulated(torch.device("cuda"), "bf16-mixed") is None
