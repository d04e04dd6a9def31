"""Training of PMM-Synth with its batch scheduler and with one sample at a time: samples per second."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated, NamedTuple

import torch
import typer
from lightning_fabric import Fabric
from torch.nn.functional import one_hot

from anysyn import build
from anysyn.data.loading.batches import Batches, Group, ModalityConsistent, Shuffled
from anysyn.objectives.objective import Answer
from anysyn.ops import spread
from anysyn.seeds import seeded
from anysyn.training.steps import learn, steps_of
from anysyn.types import Batch

# Which of T1w, T2w, T1c, FLAIR, DWI and ADC the cases of TTG, TTI (two kinds), BraTS and ISLES have, and the number of
# such cases in a hundred.
COVERAGE: tuple[tuple[Group, int], ...] = (
    ((0, (True, True, True, True, True, True)), 56),
    ((1, (True, True, False, True, False, True)), 8),
    ((1, (True, True, False, False, False, True)), 6),
    ((2, (True, True, True, True, False, False)), 17),
    ((3, (False, False, False, True, True, True)), 13),
)


class Speed(NamedTuple):
    """The cost of a way of batching.

    Args:
        samples: Number of training samples.
        wall: Seconds.
        cpu: CPU seconds of all threads of this process.
    """

    samples: int
    wall: float
    cpu: float

    def __add__(self, other: Speed) -> Speed:  # type: ignore[override]
        """Return the cost of two rounds."""
        return Speed(self.samples + other.samples, self.wall + other.wall, self.cpu + other.cpu)


class Training:
    """Training of the generator and the discriminators of a recipe on random slices.

    Args:
        recipe: Name or file of the recipe.
        overrides: Overrides of the recipe.
        side: Voxels of a slice along each axis.
        device: Accelerator.
    """

    def __init__(self, *, recipe: str, overrides: Sequence[str], side: int, device: str) -> None:
        self.recipe = build.load(recipe, overrides)
        stage = self.recipe.stages[0]
        self.stage, self.side = stage, side
        self.fabric = Fabric(accelerator=device, devices=1, precision=self.recipe.precision)
        self.parts = build.parts(self.recipe).to(self.fabric.device)
        self.steps = steps_of(self.recipe, stage, self.parts, self.fabric)
        self.queries = build.make(self.recipe, stage.queries, "queries")

    def batch(self, groups: Sequence[Group], indices: Sequence[int]) -> Batch:
        """Return random slices with the availability of some samples.

        Args:
            groups: Dataset and availability of each sample.
            indices: Numbers of the samples.
        """
        available = torch.tensor([groups[i][1] for i in indices])  # (B, M)
        images = torch.rand(*available.shape, self.side, self.side)  # (B, M, *S)
        dataset = one_hot(torch.tensor([groups[i][0] for i in indices]), max(groups)[0] + 1).float()  # (B, N)
        images = images * spread(available, images)  # (B, M, *S)
        return Batch(images, available, dataset, torch.ones(len(indices), 2)).to(self.fabric.device)

    def run(self, groups: Sequence[Group], batches: Sequence[Sequence[int]]) -> Speed:
        """Train on batches, both steps each.

        Args:
            groups: Dataset and availability of each sample.
            batches: Numbers of the samples of each batch.
        """
        made = [self.batch(groups, indices) for indices in batches]
        self._wait()
        wall, cpu = time.perf_counter(), time.process_time()
        for number, batch in enumerate(made):
            query = self.queries.draw(batch, seeded(number))
            answers = list[Answer]()
            for step in self.steps:
                answers += learn(self.fabric, self.parts, step, batch, query, answers)[1]
        self._wait()
        return Speed(sum(map(len, batches)), time.perf_counter() - wall, time.process_time() - cpu)

    def _wait(self) -> None:
        if self.fabric.device.type == "cuda":
            torch.cuda.synchronize()


def cohort(samples: int) -> list[Group]:
    """List the datasets and availabilities of so many samples, in the proportions of the paper's cases.

    Args:
        samples: How many, at least one of each kind.
    """
    total = sum(share for _, share in COVERAGE)
    return [group for group, share in COVERAGE for _ in range(max(1, round(samples * share / total)))]


def command(
    recipe: Annotated[str, typer.Option(help="Recipe whose first stage is trained.")] = "small/pmm_synth",
    size: Annotated[int, typer.Option(help="Samples of a batch with the scheduler.")] = 16,
    side: Annotated[int, typer.Option(help="Voxels of a slice along each axis.")] = 96,
    samples: Annotated[int, typer.Option(help="Samples that each way trains on in a round.")] = 48,
    rounds: Annotated[int, typer.Option(help="Rounds, the two ways taking turns.")] = 3,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    override: Annotated[list[str] | None, typer.Option(help="path.to.key=value of the recipe.")] = None,
) -> None:
    """Train on random slices with the availability of the paper's four datasets: scheduler beside batches of one.

    The batches of the scheduler are random ones of an epoch, as many as make up the samples; both ways train the same
    networks in the same process, in turns, so that what else the machine does falls on both.
    """
    training = Training(recipe=recipe, overrides=override or (), side=side, device=device)
    groups = cohort(8 * samples)
    ways: dict[str, Batches] = {f"scheduler, {size}": ModalityConsistent(size=size), "one at a time": Shuffled(size=1)}
    costs = dict.fromkeys(ways, Speed(0, 0.0, 0.0))
    for number in range(rounds + 1):
        for name, way in ways.items():
            epoch = way.epoch(groups, seeded(number))
            cost = training.run(groups, epoch[: max(1, samples // way.size)])
            if number:  # the first round warms up
                costs[name] += cost
    print(f"{recipe}, slices of {side} x {side}, {device}, threads: {torch.get_num_threads()}")
    for name, cost in costs.items():
        print(f"{name:<16}{cost.samples / cost.wall:8.2f} samples/s {cost.cpu / cost.samples:8.3f} CPU s a sample")
    first, second = costs.values()
    faster = first.samples / first.wall / (second.samples / second.wall)
    cheaper = (second.cpu / second.samples) / (first.cpu / first.samples)
    print(
        f"the scheduler trains on {faster:.2f} times as many samples a second, {cheaper:.2f} times as many a CPU second"
    )
