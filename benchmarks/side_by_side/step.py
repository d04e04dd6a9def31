"""A training step by anysyn and by a loop written by hand, with the same network on the same batches."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Annotated

import torch
import torch.nn.functional as F
import typer
from torch import nn

from anysyn.data.loading.ahead import Made, Plan
from anysyn.ops import pick
from anysyn.seeds import seeded
from anysyn.training.stage import EVERY
from anysyn.training.steps import PlannedBatch, StepLoop
from side_by_side.scheduler import Training


def by_hand(network: nn.Module, lr: float, clip: float) -> Callable[[Made], None]:
    """Return what a short script does with a batch: forward, L1, backward, bound, Adam, and a look at the loss.

    Args:
        network: Synthesizer, trained in place.
        lr: Learning rate.
        clip: Largest gradient norm.
    """
    parameters = list(network.parameters())
    optimizer = torch.optim.Adam(parameters, lr=lr)
    seen = []

    def step(made: Made) -> None:
        prediction = network(made.batch, made.query).images  # (B, K, *S)
        loss = F.l1_loss(prediction, pick(made.batch.images, made.query.targets))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()
        seen.append(loss.item())

    return step


def ours(training: Training, lr: float, clip: float) -> Callable[[Made], None]:
    """Return what a training of anysyn does with a batch.

    Args:
        training: The built recipe; its network is trained in place.
        lr: Learning rate.
        clip: Largest gradient norm.
    """
    loop = StepLoop(training.fabric, training.parts, clip, lambda plan: next(iter(())))
    planned = PlannedBatch(Plan([], 0), training.steps, [lr] * len(training.steps), 1, last=True)

    def step(made: Made) -> None:
        loop.run(planned, iter([made]))
        if len(loop.unread) == EVERY:
            loop.read()

    return step


def command(
    recipe: Annotated[str, typer.Option(help="Recipe of one step with loss l1.")] = "small/label",
    size: Annotated[int, typer.Option(help="Samples of a batch.")] = 4,
    side: Annotated[int, typer.Option(help="Voxels of a slice along each axis.")] = 64,
    steps: Annotated[int, typer.Option(help="Steps in a turn; a first turn does not count.")] = 10,
    rounds: Annotated[int, typer.Option(help="Turns.")] = 5,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    override: Annotated[list[str] | None, typer.Option(help="path.to.key=value of the recipe.")] = None,
) -> None:
    """Train in turns in one process, and compare seconds and the weights at the end."""
    training = Training(recipe=recipe, overrides=override or (), side=side, device=device)
    network, lr = copy.deepcopy(training.parts["synthesizer"]).train(), 1e-3
    training.parts.train()
    whole = [(0, (True,) * len(training.recipe.modalities))]
    made = []
    for number in range(steps):
        torch.manual_seed(number)
        batch = training.batch(whole, [0] * size)
        made.append(Made(batch, training.queries.draw(batch, seeded(number))))
    forms = {"by hand": by_hand(network, lr, 1.0), "anysyn": ours(training, lr, 1.0)}
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in forms}
    for _ in range(rounds + 1):
        for name, form in forms.items():
            costs[name].append(_turn(form, made, device))
    print(f"{recipe}, {size} slices of {side} x {side}, {device}, threads: {torch.get_num_threads()}")
    best = {name: [min(turns) for turns in zip(*all_[1:], strict=True)] for name, all_ in costs.items()}
    for name, (cpu, wall) in best.items():
        ratio = cpu / best["by hand"][0], wall / best["by hand"][1]
        words = (
            f"{cpu / steps * 1e3:8.1f} CPU ms a step ({ratio[0]:.2f} times), {wall / steps * 1e3:8.1f} ms by the clock"
        )
        print(f"{name:<10}{words} ({ratio[1]:.2f} times)")
    own = dict(training.parts["synthesizer"].named_parameters())
    apart = max(float((own[name] - weight).detach().abs().max()) for name, weight in network.named_parameters())
    print(f"weights apart by at most {apart:.1e}")


def _turn(form: Callable[[Made], None], made: list[Made], device: str) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for one in made:
        form(one)
    if device == "cuda":
        torch.cuda.synchronize()
    return time.process_time() - cpu, time.perf_counter() - wall
