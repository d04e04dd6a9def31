"""Solve the parts that no step trains: some before the first step, some after the last."""

from __future__ import annotations

import torch
from torch import nn

from anysyn import build
from anysyn.data.loading.batches import Shuffled
from anysyn.data.loading.samples import Samples
from anysyn.nn.solved import Solved
from anysyn.objectives import SynthesisObjective
from anysyn.ops import among
from anysyn.progress import Progress
from anysyn.recipe import Recipe
from anysyn.seeds import seeded
from anysyn.synthesizer import Synthesizer
from anysyn.training.cohort import Cohort


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
            module.observe(batch, generator)
    for module in solved:
        module.solve()


@torch.no_grad()
def solve_blends(parts: nn.Module, recipe: Recipe, cohort: Cohort, progress: Progress) -> None:
    """Ask every synthesizer whose blend is not solved as the last stage does, for an epoch, and solve the blend.

    A run that is adapted keeps the blend that it has, so that the answers for the old datasets stay what they were.

    Args:
        parts: All networks, trained, on their device.
        recipe: Whose last stage says which samples go together, what is shown and what is asked.
        cohort: The training samples.
        progress: What shows the progress.
    """
    models = [one for one in parts.modules() if isinstance(one, Synthesizer)]
    blends = [(one.blend, one) for one in models if one.blend is not None and not one.blend.solved]
    if not blends:
        return
    stage, seed, device = recipe.stages[-1], (recipe.seed, len(recipe.stages)), next(parts.parameters()).device
    samples = cohort.seen_by(None if stage.view is None else build.make(recipe, stage.view, "view")).train
    queries = build.make(recipe, stage.queries, "queries", names=cohort.names)
    epoch = build.make(recipe, stage.batches, "batches").epoch(samples.groups, seeded(*seed))
    parts.eval()
    for number, indices in enumerate(progress.over("blending", epoch)):
        generator = seeded(*seed, number)
        batch = samples.batch(indices, generator).to(device)
        query = queries.draw(batch, generator)
        hidden = (~among(query.targets, query.sources)).any(0)  # (K,)
        for blend, model in blends if bool(hidden.any()) else ():
            blend.weigh(SynthesisObjective(model=model, losses=()).outcome(batch, query.asking(hidden)))
    for blend, _ in blends:
        blend.solve()
