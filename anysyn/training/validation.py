"""Validate: the same batches and queries each time, so that scores can be compared."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import torch
from lightning_fabric import Fabric

from anysyn.data.batches import share
from anysyn.data.samples import Samples
from anysyn.ops import pick
from anysyn.queries import Queries
from anysyn.seeds import seeded
from anysyn.synthesizer import Synthesizer
from anysyn.training.cohort import Cohort
from anysyn.training.pictures import draw
from anysyn.types import Batch, Objective, Query

SIZE = 16  # samples in a validation batch
MOST = 64  # batches of a validation at the most: a score to compare epochs by, not a result


@torch.no_grad()
def validate(
    fabric: Fabric, objective: Objective, queries: Queries, samples: Samples, cohort: Cohort, picture: Path
) -> tuple[float, dict[str, float]]:
    """Average an objective's terms over the validation samples and draw a picture of one batch.

    Args:
        fabric: Devices and precision.
        objective: What is measured.
        queries: What is shown and asked.
        samples: The validation samples.
        cohort: What they belong to.
        picture: Where the picture goes.

    Returns:
        The sum of the terms, lower being better, and the terms.
    """
    training = [module for module in objective.modules() if module.training]
    objective.eval()
    sums, count = defaultdict[str, float](float), 0
    shares = share(_batches(samples), fabric.global_rank, fabric.world_size)
    for number, indices in enumerate(shares):
        generator = seeded(cohort.seed, number)
        batch = samples.batch(indices, generator).to(fabric.device)
        query = queries.draw(batch, generator)
        with fabric.autocast():
            for name, term in objective(batch, query).items():
                sums[name] += float(term) * len(indices)
        count += len(indices)
        if number == len(shares) // 2 and fabric.is_global_zero:  # not the first slices, which show little
            _picture(objective, batch, query, cohort.names, picture)
    for module in training:
        module.train()
    totals = fabric.all_reduce(torch.tensor([*sums.values(), count], dtype=torch.float64), reduce_op="sum")
    terms = {name: float(total / totals[-1]) for name, total in zip(sums, totals[:-1], strict=True)}
    return sum(terms.values()), terms


def _batches(samples: Samples) -> list[list[int]]:
    """Take samples of one pattern together, evenly spread over the cohort."""
    groups = defaultdict[object, list[int]](list)
    for sample, group in enumerate(samples.groups):
        groups[group].append(sample)
    whole = [members[i : i + SIZE] for members in groups.values() for i in range(0, len(members), SIZE)]
    return whole[:: -(-len(whole) // MOST)]


def _picture(objective: Objective, batch: Batch, query: Query, names: tuple[str, ...], path: Path) -> None:
    model = getattr(objective, "model", None)
    if isinstance(model, Synthesizer):
        draw(path, batch, query, model(batch, query).images, pick(batch.images, query.targets), names)
