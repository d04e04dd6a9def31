"""One stage of training: epochs of batches, each batch through the steps, with exact resume."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from anysyn import build
from anysyn.data.loading.ahead import Ahead, Plan, workers_for
from anysyn.data.loading.batches import share
from anysyn.loggers import Logger, Place
from anysyn.nn.warm_start import take_weights
from anysyn.objectives.synthesis import distinct
from anysyn.progress import Progress
from anysyn.recipe import Recipe
from anysyn.seeds import seeded
from anysyn.training.cohorts.cohort import Cohort
from anysyn.training.run_folder.checkpoints import Checkpoint, Checkpoints, fitting, read_tensors, write_tensors
from anysyn.training.run_folder.folder import RunFolder
from anysyn.training.run_folder.log import Log
from anysyn.training.run_folder.records import conforming
from anysyn.training.steps import BatchMaker, PlannedBatch, StepLoop, steps_of
from anysyn.training.validation import validate

Tensors = tuple[Tensor, ...] | list[Tensor]

EVERY = 10  # batches between two rows of the log


@dataclass(frozen=True)
class Position:
    """Position of the training within its stages.

    Args:
        stage: Number of the stage.
        epoch: Number of the epoch in it.
        batch: Batches of that epoch that are done.
        best: Lowest validation score of the stage so far, or None.
        log: Bytes of the training log so far.
        validation: Bytes of the validation log so far.
    """

    stage: int = 0
    epoch: int = 0
    batch: int = 0
    best: float | None = None
    log: int = 0
    validation: int = 0


def position_of(checkpoint: Checkpoint, stages: int) -> Position:
    """Return where a checkpoint stands in a training of some stages.

    Raises:
        ValueError: If it stands nowhere in it.

    Example:
        >>> position_of(Checkpoint({}, {}, {"stage": 3}, [], {}), stages=2)
        Traceback (most recent call last):
        ValueError: it stands in stage 3 of 2
    """
    position = Position(**checkpoint.position)
    conforming(position, Position)
    counts = (position.stage, position.epoch, position.batch, position.log, position.validation)
    if min(counts) < 0 or position.stage > stages:
        raise ValueError(f"it stands in stage {position.stage} of {stages}")
    return position


class StageLoop:
    """Run one stage.

    Everything random is a function of (seed, stage, epoch, batch), so a resumed stage repeats what an uninterrupted one
    would have done.

    Args:
        fabric: Devices and precision.
        recipe: The whole recipe.
        parts: All networks.
        folder: Where everything is written.
        cohort: The training and validation samples.
        progress: What shows the progress.
        position: Where to begin.
    """

    def __init__(
        self,
        *,
        fabric: Fabric,
        recipe: Recipe,
        parts: nn.ModuleDict,
        folder: RunFolder,
        cohort: Cohort,
        progress: Progress,
        position: Position,
    ) -> None:
        self.fabric, self.recipe, self.parts, self.progress = fabric, recipe, parts, progress
        self.stage, self.folder, self.position = recipe.stages[position.stage], folder, position
        view = None if self.stage.view is None else build.make(recipe, self.stage.view, "view")
        self.cohort = cohort.seen_by(view)
        for to, of in self.stage.warm_start.items():  # a checkpoint of the stage comes over this in `restore`
            take_weights(parts[to], parts[of])
        self.steps = steps_of(recipe, self.stage, parts, fabric)
        self.judge = next(step for step in self.steps if self.stage.epochs - 1 in step.active)
        self.batches = build.make(recipe, self.stage.batches, "batches")
        self.queries = build.make(recipe, self.stage.queries, "queries", names=tuple(recipe.modalities))
        gpu = fabric.device.type == "cuda"
        beside = min(fabric.world_size, torch.cuda.device_count()) if gpu else fabric.world_size
        workers = workers_for(recipe.data.workers, fabric.device, beside)
        make = BatchMaker(self.cohort.train, self.queries)
        self.ahead = Ahead(make, workers=workers, pinned=gpu)
        self.step_loop = StepLoop(fabric, parts, self.stage.clip_gradient, make)
        self.average = average_of(parts, self.stage.ema)
        if fabric.is_global_zero:
            self.log = Log(folder.log, keep=position.log)
            self.validation = Log(folder.validation, keep=position.validation)
            first = self._samples(position.epoch, position.batch)
            place = Place(folder.path, recipe.name, self.stage.name, first)
            self.loggers: list[Logger] = [build.make(recipe, spec, "logger", place=place) for spec in recipe.loggers]

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take up a checkpoint of this stage."""
        self.parts.load_state_dict(checkpoint.parts)
        if self.average is not None:
            self.average.load_state_dict(checkpoint.average)
        for step, state in zip(self.steps, checkpoint.optimizers, strict=True):
            step.optimizer.load_state_dict(dict(state))
        self.fabric.strategy.precision.load_state_dict(dict(checkpoint.precision))

    def run(self) -> Position:
        """Run the epochs that are left, leave the best weights in the networks, and return where the next stage is.

        Raises:
            FloatingPointError: If no validation was finite.
        """
        for epoch in range(self.position.epoch, self.stage.epochs):
            self.epoch(epoch)
        if self.position.best is None and self.cohort.validation is not None:
            raise FloatingPointError(
                f"stage {self.stage.name}: no validation was finite ({self.folder.validation}), so no weights can be "
                "chosen; lower the learning rate and train anew"
            )
        if self.position.best is not None:
            self.fabric.barrier()
            best = self.folder.best_weights(self.stage.name)
            with fitting(best):
                self.parts.load_state_dict(read_tensors(best))
        elif self.average is not None:
            self.parts.load_state_dict(self.average.module.state_dict())
        if self.fabric.is_global_zero:
            write_tensors(self.folder.stage_weights(self.stage.name), self.parts.state_dict())
        self.position = replace(self.position, stage=self.position.stage + 1, epoch=0, batch=0, best=None)
        self.save(ended=True)
        self.ahead.close()
        for logger in self.loggers if self.fabric.is_global_zero else ():
            logger.close()
        return self.position

    def epoch(self, epoch: int) -> None:
        """Run one epoch from the position on, validate, save."""
        seed, stage = self.recipe.seed, self.position.stage
        drawn = self.batches.epoch(self.cohort.train.groups, seeded(seed, stage, epoch), self.fabric.world_size)
        mine = share(drawn, self.fabric.global_rank, self.fabric.world_size)
        title = f"{self.stage.name} {epoch + 1}/{self.stage.epochs}"
        with self.progress.task(title, len(mine), self.position.batch):
            self._batches(mine, epoch)
        last = epoch + 1 == self.stage.epochs
        if last or (epoch + 1) % self.stage.validate_every == 0:
            self._validate(epoch)
        self.position = replace(self.position, epoch=epoch + 1, batch=0)
        self.save()

    def _batches(self, mine: list[list[int]], epoch: int) -> None:
        self.parts.train()
        numbers = range(self.position.batch, len(mine))
        plan = [self._plan(mine[number], epoch, number, len(mine)) for number in numbers]
        batches = self.ahead.epoch([planned.plan for planned in plan])
        began, waited, note, loop = time.perf_counter(), self.step_loop.waited, "", self.step_loop
        for number, planned in zip(numbers, plan, strict=True):
            loop.run(planned, batches)
            if self.average is not None and planned.last:
                self.average.update_parameters(self.parts)
            done = number + 1
            if len(loop.unread) == EVERY or done == len(mine) or self._due(done):
                terms = loop.read()
                seconds, rows = time.perf_counter() - began, len(terms) * len(mine[0]) * self.fabric.world_size
                pace = {"speed": round(rows / seconds, 1), "waited": round((loop.waited - waited) / seconds, 3)}
                note = self._note(terms, epoch, done, pace)
                began, waited = time.perf_counter(), loop.waited
            self.progress.advance(note)
            self.position = replace(self.position, epoch=epoch, batch=done)
            if self._due(done) and done < len(mine):
                self.save()

    def _due(self, done: int) -> bool:
        every = self.stage.checkpoint_every
        # Between two steps of an accumulation the gradients are part of the state, so no checkpoint is taken there.
        return every is not None and done % every == 0 and done % self.stage.accumulate == 0

    def _plan(self, indices: list[int], epoch: int, number: int, total: int) -> PlannedBatch:
        place = number * self.fabric.world_size + self.fabric.global_rank
        seed = seeded(self.recipe.seed, self.position.stage, epoch, place).initial_seed()
        first = number - number % self.stage.accumulate
        together = min(self.stage.accumulate, total - first)  # the last ones of an epoch may be fewer
        active = [step for step in self.steps if epoch in step.active]
        rates = [step.rate(epoch, number / total) for step in active]
        return PlannedBatch(Plan(indices, seed), active, rates, together, last=number + 1 == first + together)

    def _note(self, terms: list[dict[str, float]], epoch: int, batch: int, pace: dict[str, float]) -> str:
        means = {name: sum(t[name] for t in terms) / len(terms) for name in terms[0]}
        if self.fabric.is_global_zero:
            for name, value in means.items():
                row = {"stage": self.stage.name, "epoch": epoch, "batch": batch, "term": name}
                self.log.row(**row, value=value, **pace)
            rates = {f"rate/{number}": _rate(step.optimizer) for number, step in enumerate(self.steps)}
            losses = {f"training/{name}": value for name, value in means.items()}
            self._log_numbers({**losses, **rates, **pace}, self._samples(epoch, batch))
        return " ".join(f"{name} {value:.4f}" for name, value in means.items()) + f" {pace['speed']:.0f}/s"

    def _validate(self, epoch: int) -> None:
        if self.cohort.validation is None:
            return
        with _averaged(self.parts, self.average):
            picture = self.folder.path / "samples" / f"{self.position.stage}-{self.stage.name}-{epoch + 1:04d}.png"
            active = [step for step in self.steps if epoch in step.active]
            objectives = [step.objective for step in active]
            found = validate(
                self.fabric, objectives, self.batches, self.queries, self.cohort.validation, self.cohort, picture
            )
            if self.fabric.is_global_zero:
                self._record(epoch, found, picture)
            if self.judge in active:
                self._rank(sum(found[active.index(self.judge)].values()))

    def _log_numbers(self, values: dict[str, float], at: int) -> None:
        for logger in self.loggers:
            logger.numbers(values, at)

    def _record(self, epoch: int, found: list[dict[str, float]], picture: Path) -> None:
        scores = dict[str, float]()
        names = distinct([name for terms in found for name in terms])
        for name, value in zip(names, (value for terms in found for value in terms.values()), strict=True):
            self.validation.row(stage=self.stage.name, epoch=epoch, term=name, value=value)
            scores[f"validation/{name}"] = value
        at = self._samples(epoch + 1, 0)
        self._log_numbers(scores, at)
        for logger in self.loggers if picture.is_file() else ():
            logger.picture("validation", picture, at)

    def _rank(self, score: float) -> None:
        if not math.isfinite(score) or (self.position.best is not None and score >= self.position.best):
            return
        if self.fabric.is_global_zero:
            write_tensors(self.folder.best_weights(self.stage.name), self.parts.state_dict())
        self.position = replace(self.position, best=score)

    def _samples(self, epoch: int, batch: int) -> int:
        together: int = self.batches.size * self.fabric.world_size
        return epoch * len(self.cohort.train) + batch * together

    def save(self, *, ended: bool = False) -> None:
        """Save a checkpoint to resume exactly from; once the stage has ended, without its optimisers and average."""
        if not self.fabric.is_global_zero:
            return
        self.position = replace(self.position, log=self.log.size(), validation=self.validation.size())
        at = self.position
        checkpoint = Checkpoint(
            parts=self.parts.state_dict(),
            average={} if self.average is None or ended else self.average.state_dict(),
            position=asdict(at),
            optimizers=[] if ended else [step.optimizer.state_dict() for step in self.steps],
            precision=self.fabric.strategy.precision.state_dict(),
        )
        Checkpoints(self.folder).save(f"stage{at.stage}-epoch{at.epoch:05d}-batch{at.batch:06d}", checkpoint)


def _rate(optimizer: Any) -> float:
    return float(optimizer.param_groups[0]["lr"])


def average_of(parts: nn.ModuleDict, decay: float | None) -> AveragedModel | None:
    """Return what averages the weights over the steps, ``a <- d a + (1 - d) w``; None without a decay.

    Args:
        parts: The networks.
        decay: From 0 to 1; while there are few updates, n, d is ``(1 + n) / (10 + n)`` if that is less.

    Example:
        >>> average = average_of(nn.ModuleDict({"a": nn.Linear(1, 1)}), 0.999)
        >>> int(average.n_averaged)
        0
    """
    if decay is None:
        return None
    bound = decay

    @torch.no_grad()
    def update(averages: Tensors, weights: Tensors, updates: Tensor | int) -> None:
        if not averages[0].is_floating_point():  # buffers that count
            torch._foreach_copy_(averages, weights)
            return
        count = int(average.n_averaged)  # on the processor; `updates`, on the device, has to be waited for
        now = min(bound, (1 + count) / (10 + count))  # an average over what there is, while that is little
        torch._foreach_lerp_(averages, weights, 1 - now)

    average = AveragedModel(parts, multi_avg_fn=update, use_buffers=True)
    return average


@contextmanager
def _averaged(parts: nn.ModuleDict, average: AveragedModel | None) -> Iterator[None]:
    own = {name: value.clone() for name, value in parts.state_dict().items()}
    if average is not None:
        parts.load_state_dict(average.module.state_dict())
    try:
        yield
    finally:
        parts.load_state_dict(own)
