"""Batches made in other processes: the same as in this one, and a process that dies is one line."""

import os
import pickle
import signal
from dataclasses import replace

import pytest
import torch
from toys import write_cohort

from anysyn.data.augment import Flip
from anysyn.data.errors import CacheError
from anysyn.data.loading.ahead import Ahead, Made, Plan, _Sent, workers_for
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


def test_a_batch_travels_as_bytes_but_for_its_large_tensors(cohort):
    make = BatchMaker(samples_of(cohort, ScaledPatches(size=(4, 4, 4), points=20, per_volume=4)), OneToOne(names=NAMES))
    made = make(PLANS[0])
    images = torch.rand(len(made.batch.images), len(NAMES), 32, 32, 32)
    sent = _Sent(Made(replace(made.batch, images=images), made.query))
    _, (batch, query) = sent.__reduce__()
    large = [name for part in (batch, query) for name, value in part[1].items() if isinstance(value, torch.Tensor)]
    assert large == ["images"]
    arrived = pickle.loads(pickle.dumps(sent))
    assert torch.equal(arrived.batch.images, images)
    for name in ("available", "dataset", "spacing", "values"):
        own, theirs = getattr(made.batch, name), getattr(arrived.batch, name)
        assert own.dtype == theirs.dtype, name
        assert torch.equal(own, theirs), name
    assert torch.equal(made.batch.points.step, arrived.batch.points.step)
    assert torch.equal(made.query.targets, arrived.query.targets)
    assert arrived.query.target_acquisitions == made.query.target_acquisitions


@pytest.mark.parametrize("workers", [0, 1])
def test_images_that_nothing_changes_are_made_where_both_processes_see_them(cohort, workers, monkeypatch):
    monkeypatch.setattr("anysyn.data.loading.ahead.SMALL", 10_000)  # bytes; these images are small
    pipeline, cache = Pipeline((Canonical(), Crop(), Rescale())), Cache(cohort / "cache")
    subjects = find_subjects(cohort / "cohort").subjects
    samples = Samples.prepare(subjects, modalities=NAMES, pipeline=pipeline, view=Slices(), cache=cache, jobs=1)
    ahead = Ahead(BatchMaker(samples, OneToOne(names=NAMES)), workers=workers)
    (batch, _), *_ = ahead.epoch(PLANS)
    assert batch.images.is_shared() == bool(workers)
    assert torch.equal(batch.images, samples.batch(PLANS[0].indices, torch.Generator()).images)
    ahead.close()


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
