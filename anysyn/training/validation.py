"""Validation: the same batches and queries each time, so that scores can be compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import nn

from anysyn.data.loading.batches import Batches, share
from anysyn.data.loading.samples import Samples
from anysyn.objectives import SynthesisObjective
from anysyn.objectives.objective import Answer, Objective
from anysyn.ops import pick
from anysyn.queries import Queries
from anysyn.seeds import seeded
from anysyn.training.cohorts.cohort import Cohort
from anysyn.training.not_finite import MOST, refuse_damaged_images
from anysyn.training.pictures import draw
from anysyn.types import Batch, Query


@torch.no_grad()
def validate(
    fabric: Fabric,
    objectives: Sequence[Objective],
    batches: Batches,
    queries: Queries,
    samples: Samples,
    cohort: Cohort,
    picture: Path,
) -> list[dict[str, float]]:
    """Average the terms of objectives over the validation samples, and draw a picture of the fullest batch.

    Args:
        fabric: Devices and precision.
        objectives: The objectives of the stage.
        batches: The batches of the stage.
        queries: The queries of the stage.
        samples: The validation samples.
        cohort: The cohort of the samples.
        picture: The PNG; drawn only if an objective synthesizes.

    Returns:
        The terms of each objective; lower is better.

    Raises:
        FloatingPointError: If a damaged image makes a term not finite.
    """
    measured = nn.ModuleList(objectives)
    training = [module for module in measured.modules() if module.training]
    measured.eval()
    sums, count = defaultdict[tuple[int, str], float](float), 0
    fullest: tuple[float, Batch, Query] | None = None  # what shows most anatomy, for the picture
    shares = share(batches.validation(samples.groups), fabric.global_rank, fabric.world_size)
    for number, indices in enumerate(shares):
        generator = seeded(cohort.seed, number)
        batch = samples.batch(indices, generator).to(fabric.device)
        query = queries.draw(batch, generator)
        with fabric.autocast():
            answers = list[Answer]()
            for place, objective in enumerate(objectives):
                terms, made = objective.step(batch, query, answers)
                answers += made
                for name, term in terms.items():
                    if not abs(value := float(term)) < MOST:  # true for NaN, too
                        refuse_damaged_images(batch)
                    sums[place, name] += value * len(indices)
        count += len(indices)
        shown = float(batch.images.abs().sum())
        fullest = (shown, batch, query) if fullest is None or shown > fullest[0] else fullest
    if fullest is not None and fabric.is_global_zero:
        _picture(objectives, *fullest[1:], cohort.names, picture)
    for module in training:
        module.train()
    totals = fabric.all_reduce(torch.tensor([*sums.values(), count], dtype=torch.float64), reduce_op="sum")
    means: list[dict[str, float]] = [{} for _ in objectives]
    for (place, name), total in zip(sums, totals[:-1], strict=True):
        means[place][name] = float(total / totals[-1])
    return means


def _picture(objectives: Sequence[Objective], batch: Batch, query: Query, names: tuple[str, ...], path: Path) -> None:
    # Other objectives may have a synthesizer too, such as contrastive pretraining, whose decoder is still untrained.
    synthesis = next((objective for objective in objectives if isinstance(objective, SynthesisObjective)), None)
    if synthesis is not None:
        draw(path, batch, query, synthesis.model(batch, query).images, pick(batch.images, query.targets), names)
