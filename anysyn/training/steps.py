"""A step of training: what is minimised, what learns, and how."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Generator, Tensor, nn

from anysyn import build
from anysyn.data.loading.ahead import Made, Plan
from anysyn.data.loading.samples import Samples
from anysyn.errors import RecipeError
from anysyn.objectives.objective import Answer, Objective
from anysyn.objectives.synthesis import distinct
from anysyn.optimizers import Schedule
from anysyn.queries import Queries
from anysyn.recipe import Recipe, Stage
from anysyn.recipe.sections import means, nowhere
from anysyn.training.gradients import GradientAverage
from anysyn.training.not_finite import MOST, refuse_loss
from anysyn.types import Batch, Query


@dataclass
class TrainingStep:
    """One built step of a stage.

    Args:
        objective: The loss terms, whose sum is minimised.
        learning: The parameters that learn from it.
        optimizer: How; its state is what a checkpoint keeps.
        stepper: The optimiser as fabric steps it, with loss scaling where the precision needs it.
        schedule: How the learning rate changes.
        lr: Learning rate before the schedule.
        active: The epochs of the stage in which it learns.
        average: What averages the gradients over several processes; None in one.
    """

    objective: Objective
    learning: list[nn.Parameter]
    optimizer: torch.optim.Optimizer
    stepper: Any
    schedule: Schedule
    lr: float
    active: range
    average: GradientAverage | None = None

    def rate(self, epoch: int, part: float) -> float:
        """Return the learning rate of an epoch of the stage, a share of which is done."""
        return self.lr * self.schedule.factor(epoch - self.active.start + part, len(self.active))

    def set_rate(self, rate: float) -> None:
        """Set the learning rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate


@dataclass(frozen=True)
class PlannedBatch:
    """All that is known of a batch before it is made.

    Args:
        plan: Its samples, and the seed that decides where random patches lie, the augmentation, the query and what the
            networks draw.
        steps: The steps that learn from it.
        rates: The learning rate of each of them.
        accumulate: Batches whose gradients are averaged.
        last: Whether this is the last of those, after which the optimisers step.
    """

    plan: Plan
    steps: Sequence[TrainingStep]
    rates: Sequence[float]
    accumulate: int
    last: bool


def matching(parts: nn.Module, globs: Sequence[str]) -> list[nn.Parameter]:
    """Return the parameters whose names match a glob, or lie below a name that does.

    Raises:
        RecipeError: If a glob matches no parameter.

    Example:
        >>> parts = nn.ModuleDict({"synthesizer": nn.Linear(2, 3), "clip": nn.Linear(2, 2)})
        >>> [tuple(p.shape) for p in matching(parts, ["synthesizer"])]
        [(3, 2), (3,)]
    """
    named = dict(parts.named_parameters())
    for message in nowhere(globs, named):
        raise RecipeError(f"train: {message}")
    return [p for name, p in named.items() if any(means(glob, name) for glob in globs)]


def steps_of(recipe: Recipe, stage: Stage, parts: nn.ModuleDict, fabric: Fabric) -> list[TrainingStep]:
    """Build the steps of a stage over the built networks.

    Raises:
        RecipeError: If what a step trains is nowhere.
    """
    made = []
    for step in stage.steps:
        objective = build.make(recipe, step.objective, "objective", dict(parts.items()))
        learning = matching(parts, step.train)
        optimizer = build.make(recipe, step.optimizer, "optimizer", parameters=learning)
        schedule = build.make(recipe, step.schedule, "schedule")
        stepper = fabric.setup_optimizers(optimizer)
        active = step.active(stage.epochs)
        average = GradientAverage(learning, ahead=not objective.gathers) if fabric.world_size > 1 else None
        lr = optimizer.defaults["lr"]
        made.append(TrainingStep(objective, learning, optimizer, stepper, schedule, lr, active, average))
    return made


def only_these_learn(parts: nn.Module, learning: Iterable[nn.Parameter]) -> None:
    """Let gradients reach these parameters alone.

    Example:
        >>> parts = nn.Linear(2, 3)
        >>> only_these_learn(parts, [parts.bias])
        >>> parts.weight.requires_grad, parts.bias.requires_grad
        (False, True)
    """
    parts.requires_grad_(False)
    for parameter in learning:
        parameter.requires_grad_(True)


class Learned(NamedTuple):
    """What a step leaves; nothing of it has been waited for.

    Args:
        terms: The loss terms, detached, on the device.
        answers: The images that the step synthesized.
        norm: Norm of the gradients before it was bounded; None where it is not, or where loss scaling skips a step
            whose gradients are not finite.
    """

    terms: dict[str, Tensor]
    answers: Sequence[Answer]
    norm: Tensor | None


def learn(
    fabric: Fabric,
    parts: nn.Module,
    step: TrainingStep,
    batch: Batch,
    query: Query,
    earlier: Sequence[Answer] = (),
    *,
    accumulate: int = 1,
    last: bool = True,
    clip: float | None = None,
) -> Learned:
    """Do one step on one batch, without a look at its loss: a look would wait for the device.

    Args:
        fabric: Devices and precision.
        parts: All networks of the recipe.
        step: The step.
        batch: The images that exist.
        query: Sources and targets.
        earlier: The images that earlier steps synthesized for this batch.
        accumulate: Batches whose gradients are averaged.
        last: Whether this is the last of those, after which the optimiser steps.
        clip: Largest gradient norm, or None.
    """
    only_these_learn(parts, step.learning)
    with fabric.autocast():
        terms, answers = step.objective.step(batch, query, earlier)
        total = torch.stack([term.float() for term in terms.values()]).sum()
    average = step.average if last else None
    if average is not None:
        average.begin()
    if total.requires_grad:  # a discriminator has nothing to learn where nothing was synthesized
        fabric.backward(total / accumulate)
    norm = None
    if average is not None:
        average.end()
    if last and any(parameter.grad is not None for parameter in step.learning):
        norm = None if clip is None else bounded_gradients(fabric, step, clip)
        step.stepper.step()
        step.optimizer.zero_grad()
    return Learned({name: term.detach() for name, term in terms.items()}, answers, norm)


def bounded_gradients(fabric: Fabric, step: TrainingStep, most: float) -> Tensor | None:
    """Scale the gradients down to a largest norm.

    Args:
        fabric: Devices and precision.
        step: The step whose parameters have gradients.
        most: The largest norm.

    Returns:
        The norm before, on the device; None with loss scaling, which skips a step whose gradients are not finite.
    """
    scaler = getattr(fabric.strategy.precision, "scaler", None)
    if scaler is not None:  # Fabric refuses to do this for a fused optimiser, torch does not
        scaler.unscale_(step.optimizer)
    norm = nn.utils.clip_grad_norm_(step.learning, most)
    return norm if scaler is None else None


@dataclass(frozen=True)
class BatchMaker:
    """Make a planned batch and its query, the same in every process: all that is drawn follows from the seed.

    Args:
        samples: What the batch is cut from.
        queries: What is asked of it.
    """

    samples: Samples
    queries: Queries

    def __call__(self, plan: Plan) -> Made:
        """Return the batch and its query, on the CPU."""
        generator = Generator().manual_seed(plan.seed)
        batch = self.samples.batch(plan.indices, generator)
        return Made(batch, self.queries.draw(batch, generator))


class Unread(NamedTuple):
    """What a batch left on the device: its plan, its loss terms, and the norms of the gradients."""

    plan: Plan
    terms: dict[str, Tensor]
    norms: list[Tensor]


@dataclass
class StepLoop:
    """Take the next batch, which is the planned one, through the steps of a stage, one after the other.

    The images that a step synthesized are handed to the steps after it, for this batch alone. What a loop reads of the
    device it reads in `read`, for several batches at once.

    Args:
        fabric: Devices and precision.
        parts: All networks of the recipe.
        clip: Largest gradient norm, or None.
        make: Makes a planned batch once more, if it has to be looked into.
        waited: Seconds for which batches were waited for so far.
        unread: The batches since the last call of `read`.
    """

    fabric: Fabric
    parts: nn.Module
    clip: float | None
    make: Callable[[Plan], Made]
    waited: float = 0.0
    unread: list[Unread] = field(default_factory=list)

    def run(self, planned: PlannedBatch, batches: Iterator[Made]) -> None:
        """Learn from the next batch."""
        began = time.perf_counter()
        batch, query = next(batches)
        self.waited += time.perf_counter() - began
        batch = batch.to(self.fabric.device, non_blocking=True)  # of pinned memory the processor does not wait for it
        query = query.to(self.fabric.device)
        torch.manual_seed(planned.plan.seed)  # what the networks draw themselves: dropout
        terms, answers, norms = list[tuple[str, Tensor]](), list[Answer](), list[Tensor]()
        for step, rate in zip(planned.steps, planned.rates, strict=True):
            step.set_rate(rate)
            own = learn(
                self.fabric,
                self.parts,
                step,
                batch,
                query,
                answers,
                accumulate=planned.accumulate,
                last=planned.last,
                clip=self.clip,
            )
            terms += own.terms.items()
            answers += own.answers
            norms += [] if own.norm is None else [own.norm]
        names = distinct([name for name, _ in terms])
        self.unread.append(Unread(planned.plan, dict(zip(names, (term for _, term in terms), strict=True)), norms))

    def read(self) -> list[dict[str, float]]:
        """Wait for the device, and return the loss terms of each batch since the last call.

        Names that several steps use are numbered. Whoever saves weights or ends calls this first, so that none are
        saved after a step that went wrong.

        Raises:
            FloatingPointError: If a loss or the gradients are not finite, or a damaged image made a loss huge.
        """
        unread, self.unread = self.unread, []
        on_device = [value for one in unread for value in (*one.terms.values(), *one.norms)]
        values = iter(torch.stack([value.float() for value in on_device]).tolist() if on_device else ())
        rows = list[dict[str, float]]()
        for one in unread:
            terms = {name: next(values) for name in one.terms}
            norms = [next(values) for _ in one.norms]
            if not all(abs(value) < MOST for value in terms.values()):  # true for NaN, too
                refuse_loss(terms, self.make(one.plan).batch)
            if not all(map(math.isfinite, norms)):
                refuse_loss({"norm of the gradients": sum(norms)}, self.make(one.plan).batch)
            rows.append(terms)
        return rows
