"""Batches made in other processes: the same as in this one, and a process that dies is one line."""

import os
import signal

import pytest
import torch
from toys import write_cohort

from anysyn.data.augment import Flip
from anysyn.data.errors import CacheError
from anysyn.data.loading.ahead import Ahead, Plan, workers_for
from anysyn.data.loading.cache import Cache
from anysyn.data.loading.samples import Samples
from anysyn.data.prepare import Canonical, Crop, Pipeline, Rescale
from anysyn.data.subjects.find import find_subjects
from anysyn.data.views import ScaledPatches, Slices
from anysyn.queries import OneToOne
from anysyn.seeds import seeded
from anysyn.training.steps import BatchMaker

NAMES = ("T1w", "T2w")
PLANS = [Plan([0, 1, 2], seeded(0, 1).initial_seed()), Plan([3, 1], seeded(0, 2).initial_seed())]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    write_cohort(folder / "cohort")
    return folder


def samples_of(cohort, view):
    pipeline, cache = Pipeline((Canonical(), Crop(), Rescale())), Cache(cohort / "cache")
    subjects = find_subjects(cohort / "cohort").subjects
    return Samples.prepare(
        subjects, modalities=NAMES, pipeline=pipeline, view=view, cache=cache, augment=[Flip()], jobs=1
    )


@pytest.mark.parametrize("view", [Slices(), ScaledPatches(size=(4, 4, 4), points=20, per_volume=4)])
def test_two_processes_make_the_batches_of_one(cohort, view):
    make = BatchMaker(samples_of(cohort, view), OneToOne(names=NAMES))
    one, two = (Ahead(make, workers=workers) for workers in (0, 2))
    state = torch.get_rng_state()
    for plans in (PLANS, PLANS[::-1]):  # two epochs of the same processes
        for plan, own, theirs in zip(plans, one.epoch(plans), two.epoch(plans), strict=True):
            assert torch.equal(own.batch.images, theirs.batch.images)
            assert (own.batch.points is None) == (theirs.batch.points is None)
            assert own.batch.points is None or torch.equal(own.batch.points.at, theirs.batch.points.at)
            assert (own.batch.acquisitions, own.batch.keys) == (theirs.batch.acquisitions, theirs.batch.keys)
            assert torch.equal(own.query.sources, theirs.query.sources)
            assert len(own.batch.images) == len(plan.indices)
    assert torch.equal(torch.get_rng_state(), state)  # that is the networks'
    two.close()


def die(plan):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_is_one_line():
    ahead = Ahead(die, workers=1)
    with pytest.raises(CacheError, match=r"data\.workers") as caught:
        next(ahead.epoch(PLANS))
    assert "\n" not in str(caught.value)
    ahead.close()


def test_a_mistake_in_a_batch_is_raised_here():
    def fail(plan):
        raise ValueError("no such sample")

    ahead = Ahead(fail, workers=1)
    with pytest.raises(ValueError, match="no such sample"):
        next(ahead.epoch(PLANS))
    ahead.close()


def test_a_gpu_gets_the_cores_that_its_training_leaves(monkeypatch):
    monkeypatch.setattr("anysyn.data.loading.ahead.cores", lambda: 16)
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    assert [workers_for(None, gpu, processes) for processes in (1, 4, 16)] == [8, 3, 0]
    assert workers_for(None, cpu, 1) == 0
    assert workers_for(2, cpu, 1) == 2
