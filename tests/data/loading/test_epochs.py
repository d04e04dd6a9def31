"""Batches of one epoch after another, as torch's loader takes them."""

from __future__ import annotations

import pytest
import torch
from torch.utils.data import DataLoader

import anysyn
from anysyn.errors import UserError

GROUPS = [(0, (True, number % 3 > 0)) for number in range(10)]


def test_a_loader_gives_each_epoch_its_batches():
    epochs = anysyn.EpochBatches(anysyn.ModalityConsistent(size=4), groups=GROUPS, seed=3)
    loader, seen = DataLoader(torch.arange(10), batch_sampler=epochs), []
    for number in (0, 1, 0):
        epochs.set_epoch(number)
        drawn = [batch.tolist() for batch in loader]
        assert len(drawn) == len(loader) == 3  # four samples of one pattern, six of the other
        assert {number for batch in drawn for number in batch} == set(range(10))
        assert all(len({GROUPS[number] for number in batch}) == 1 and len(batch) == 4 for batch in drawn)
        seen.append(drawn)
    assert seen[0] == seen[2] != seen[1]


def test_processes_share_an_epoch():
    both = [
        anysyn.EpochBatches(anysyn.ModalityConsistent(size=1), groups=GROUPS, rank=rank, ranks=2) for rank in (0, 1)
    ]
    assert len(both[0]) == len(both[1])
    assert {number for epochs in both for batch in epochs for number in batch} == set(range(10))
    with pytest.raises(UserError, match="ranks: 0"):
        anysyn.EpochBatches(anysyn.Shuffled(size=1), groups=GROUPS, ranks=0)
