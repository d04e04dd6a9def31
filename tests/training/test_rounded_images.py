"""Images that are stored in sixteen bits train as those in thirty-two do."""

import csv
from dataclasses import dataclass

import pytest
import torch

import anysyn
from anysyn.data.loading import prepared_subject


@dataclass
class Exact:
    """Stand for `Packed`: nothing is rounded."""

    images: torch.Tensor

    @classmethod
    def of(cls, images):
        return cls(images)

    @classmethod
    def from_tensors(cls, tensors, plane):
        return cls(tensors["images"])

    def tensors(self):
        return {"images": self.images}

    def read(self, first, stop):
        return self.images[first:stop]


def losses(tiny, out):
    given = [f"data.root={tiny / 'cohort'}", f"data.cache={out}-cache", "stages.0.epochs=3"]
    run = anysyn.train(tiny / "tiny.yaml", out=out, overrides=given, accelerator="cpu").folder
    return [float(row["value"]) for row in csv.DictReader((run / "validation.csv").open())]


def test_the_losses_of_a_training_stay_within_a_thousandth(tiny, tmp_path, monkeypatch):
    rounded = losses(tiny, tmp_path / "rounded")
    monkeypatch.setattr(prepared_subject, "Packed", Exact)
    exact = losses(tiny, tmp_path / "exact")
    assert len(exact) == 3
    assert rounded == pytest.approx(exact, rel=1e-3)
    assert rounded != exact
