"""Check before training that no prompt is too long for the model that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import nn

from anysyn import build
from anysyn.acquisition import Acquisition
from anysyn.data.loading.samples import Samples
from anysyn.descriptors import TextPrompt
from anysyn.objectives import ClipPairs
from anysyn.recipe import Recipe, Stage
from anysyn.training.cohorts.stage_cohorts import Cohorts
from anysyn.types import ImageTextModel


def check_prompts(recipe: Recipe, parts: nn.ModuleDict, cohorts: Cohorts) -> None:
    """Refuse a cohort with a prompt that is too long, before the training rather than during it.

    Raises:
        UserError: If a prompt is too long; the message names the field.
    """
    for stage, clip in text_readers(recipe, parts):
        view = None if stage.view is None else build.make(recipe, stage.view, "view")
        cohort = cohorts.of(stage)
        for samples in filter(None, (cohort.train, cohort.validation)):
            clip.check_texts(sorted(prompts(samples if view is None else samples.seen_by(view))))


def text_readers(recipe: Recipe, parts: nn.ModuleDict) -> Iterator[tuple[Stage, ImageTextModel]]:
    """Yield each image-text model that reads prompts of acquisitions, with the stage in which it does.

    Args:
        recipe: The checked recipe.
        parts: Its networks; without memory is enough.

    Example:
        >>> from anysyn.nn.layout import without_memory
        >>> recipe = build.load("small/tumsyn", lay_out=False)
        >>> with without_memory():
        ...     parts = build.parts(recipe, untrained=False)
        >>> [(stage.name, clip is parts["clip"]) for stage, clip in text_readers(recipe, parts)]
        [('pretraining', True), ('synthesis', True), ('tuning', True)]
    """
    for stage in recipe.stages:
        for step in stage.steps if stage.epochs else ():
            objective = build.make(recipe, step.objective, "objective", dict(parts.items()))
            modules = [part for part in objective.modules() if isinstance(part, (TextPrompt, ClipPairs))]
            yield from ((stage, clip) for clip in dict.fromkeys(part.clip for part in modules))


def prompts(samples: Samples) -> set[str]:
    """Return the prompts of all images, including those at the coarser voxels that the view may draw."""
    records = {record for row in samples.acquisitions for record in row if record is not None}
    return {scaled.to_prompt() for record in records for scaled in _scaled(record, samples)}


def _scaled(record: Acquisition, samples: Samples) -> Iterator[Acquisition]:
    yield record
    low, high = getattr(samples.view, "scales", (1.0, 1.0))
    for tenth in range(round(10 * low), round(10 * high) + 1):
        if record.voxel_size_mm is not None and tenth != 10:
            x, y, z = (edge * tenth / 10 for edge in record.voxel_size_mm)
            yield replace(record, voxel_size_mm=(x, y, z))
