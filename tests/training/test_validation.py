"""What a validation draws."""

from types import SimpleNamespace

import pytest
import torch
from lightning_fabric import Fabric
from torch import nn

from anysyn.data.loading.batches import Shuffled
from anysyn.queries import OneToOne
from anysyn.training import validation
from anysyn.types import Batch

NAMES = ("T1w", "T2w")
BRIGHT = (0.0, 0.2, 0.9, 0.1, 0.0)  # of the batches: little is in the first, the middle and the last


class NoTerms(nn.Module):
    def step(self, batch, query, answers):
        return {"l1": batch.images.mean()}, []


class Batches(Shuffled):
    def validation(self, groups):
        return [[number] for number in range(len(groups))]


class Samples:
    groups = tuple((0, (True, True)) for _ in BRIGHT)

    def batch(self, indices, generator):
        return Batch.complete(torch.full((1, 2, 8, 8), BRIGHT[indices[0]]))


def test_the_picture_is_of_the_batch_that_shows_most(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(validation, "_picture", lambda objectives, batch, *_: drawn.append(batch))
    fabric, cohort = Fabric(accelerator="cpu", devices=1), SimpleNamespace(seed=0, names=NAMES)
    made = (Batches(size=1), OneToOne(names=NAMES), Samples(), cohort, tmp_path / "picture.png")
    (means,) = validation.validate(fabric, [NoTerms()], *made)
    assert [float(batch.images.max()) for batch in drawn] == [torch.tensor(max(BRIGHT)).item()]
    assert means["l1"] == pytest.approx(sum(BRIGHT) / len(BRIGHT))
