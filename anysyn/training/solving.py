"""Solve, before the first step, the parts that no step trains."""

from __future__ import annotations

from torch import nn

from anysyn.data.batches import Shuffled
from anysyn.data.samples import Samples
from anysyn.nn.solved import Solved
from anysyn.progress import Progress
from anysyn.seeds import seeded


def solve_parts(parts: nn.Module, samples: Samples, seed: int, progress: Progress) -> None:
    """Show the training samples, once, to every part that is solved, and solve it.

    Args:
        parts: All networks, on their device.
        samples: Those of the training.
        seed: The recipe's.
        progress: What shows the progress.
    """
    solved = [module for module in parts.modules() if isinstance(module, Solved)]
    if not solved:
        return
    generator, device = seeded(seed), next(parts.parameters()).device
    for indices in progress.over("solving", Shuffled(size=32).epoch(samples.groups, generator)):
        batch = samples.batch(indices, generator).to(device)
        for module in solved:
            module.observe(batch.images, batch.available, generator)
    for module in solved:
        module.solve()
