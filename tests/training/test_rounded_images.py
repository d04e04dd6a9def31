"""Images that are stored in sixteen bits train as those in thirty-two do."""

import csv
from dataclasses import dataclass

import pytest
import torch

import anysyn
from anysyn.data.loading import prepare_subject, prepared_subject


@dataclass
class Exact:
    """Stand for `Packed`: nothing is rounded."""

    images: torch.Tensor

    @classmethod
    def of(cls, images, brick, *, compressed=True):
        return cls(images)

    @classmethod
    def from_tensors(cls, tensors, shape):
        return cls(tensors["images"])

    def tensors(self):
        return {"images": self.images}

    @property
    def brick(self):
        return (1, *self.images.shape[2:])

    def fill(self, images, where):
        images.copy_(self.images[(slice(None), *where.inside(self.images.shape[1:]))])


def losses(tiny, out):
    given = [f"data.root={tiny / 'cohort'}", f"data.cache={out}-cache", "stages.0.epochs=3"]
    run = anysyn.train(tiny / "tiny.yaml", out=out, overrides=given, accelerator="cpu").folder
    return [float(row["value"]) for row in csv.DictReader((run / "validation.csv").open())]


def test_the_losses_of_a_training_stay_within_a_thousandth(tiny, tmp_path, monkeypatch):
    rounded = losses(tiny, tmp_path / "rounded")
    for module in (prepared_subject, prepare_subject):
        monkeypatch.setattr(module, "Packed", Exact)
    exact = losses(tiny, tmp_path / "exact")
    assert len(exact) == 3
    assert rounded == pytest.approx(exact, rel=1e-3)
    assert rounded != exact
