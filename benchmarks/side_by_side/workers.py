"""How many batches one process and two make ahead in a second by the clock."""

from __future__ import annotations

import gc
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from anysyn.data.loading.ahead import Ahead, Made, Plan
from anysyn.data.loading.cache import Cache
from anysyn.data.loading.samples import Samples
from anysyn.data.prepare import Canonical, Pipeline, Rescale
from anysyn.data.subjects.find import find_subjects
from anysyn.data.views import Patches
from anysyn.queries import OneToOne
from anysyn.seeds import seeded
from side_by_side.made_volumes import CONTRASTS, write_subjects


class Making:
    """Makes a batch of patches, and one source and one target of it.

    Args:
        samples: The patches.
    """

    def __init__(self, samples: Samples) -> None:
        self.samples, self.queries = samples, OneToOne(names=CONTRASTS)

    def __call__(self, plan: Plan) -> Made:
        """Make the batch of a plan."""
        generator = seeded(plan.seed)
        batch = self.samples.batch(plan.indices, generator)
        return Made(batch, self.queries.draw(batch, generator))


def samples_of(folder: Path, patch: int) -> Samples:
    """Prepare the patches of a folder's subjects.

    Args:
        folder: Subjects.
        patch: Voxels of a patch along each axis.
    """
    options: dict[str, Any] = {"pipeline": Pipeline((Canonical(), Rescale())), "view": Patches(size=(patch,) * 3)}
    cache = Cache(folder.parent / "cache")
    return Samples.prepare(find_subjects(folder).subjects, cache=cache, jobs=1, modalities=CONTRASTS, **options)


def seconds_of(ahead: Ahead, plans: list[Plan], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds in which all batches of an epoch are taken.

    Args:
        ahead: Where they come from.
        plans: One for each batch.
        clock: What counts; `time.process_time` for the CPU seconds of this process.
    """
    start = clock()
    for _ in ahead.epoch(plans):
        pass
    return clock() - start


def command(
    subjects: Annotated[int, typer.Option(help="Made subjects of two contrasts.")] = 8,
    side: Annotated[int, typer.Option(help="Voxels of a volume along each axis.")] = 128,
    patch: Annotated[int, typer.Option(help="Voxels of a patch along each axis.")] = 64,
    size: Annotated[int, typer.Option(help="Samples of a batch.")] = 8,
    batches: Annotated[int, typer.Option(help="Batches in a turn; a first turn does not count.")] = 100,
    rounds: Annotated[int, typer.Option(help="Turns.")] = 3,
) -> None:
    """Take batches as they come from one worker and from two, in turns; nothing else should run meanwhile."""
    with tempfile.TemporaryDirectory() as place:
        samples = samples_of(write_subjects(Path(place) / "subjects", subjects, side), patch)
        plans = [Plan([(number + k) % len(samples) for k in range(size)], number) for number in range(batches)]
        loaders = {workers: Ahead(Making(samples), workers=workers) for workers in (1, 2)}
        turns = [{count: seconds_of(ahead, plans) for count, ahead in loaders.items()} for _ in range(rounds + 1)][1:]
        for count in loaders:
            rate = batches / median(turn[count] for turn in turns)
            gain = median(turn[1] / turn[count] for turn in turns)
            print(f"{count} of them: {rate:7.1f} batches a second (median over turns: {gain:.2f} times one)")
        for count, ahead in loaders.items():
            before, seconds = os.times(), seconds_of(ahead, plans, time.process_time)
            ahead.close()
            gc.collect()  # the workers end with what they belong to
            after, made = os.times(), batches * (rounds + 2)
            workers = after.children_user + after.children_system - before.children_user - before.children_system
            here, there = (1e3 * seconds / batches, 1e3 * workers / made)
            print(f"{count} of them: {here:5.1f} CPU ms a batch in the training's process, {there:5.1f} in theirs")
