"""Check before anything trains that no prompt of a table is too long for the text tower that reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from anysyn import build
from anysyn.acquisition import Acquisition
from anysyn.data.records import Subject
from anysyn.nn.layout import without_memory
from anysyn.recipe import Recipe
from anysyn.recipe.check import check
from anysyn.recipe.read import Source
from anysyn.training.prompts import text_readers
from paper_tables.plan import Plan

Tree = Mapping[str, Any]


def refuse_long_prompts(plan: Plan, subjects: Sequence[Subject]) -> None:
    """Take the methods whose text tower is too short for the subjects out of a plan; their rows say why.

    Args:
        plan: The plan, which is changed.
        subjects: All that the table trains on or tests.
    """
    for cell in list(plan.cells):
        if cell.method not in plan.mistakes and not cell.question.get("simple"):
            try:
                check_long_prompts(plan.recipes[cell.run], subjects)
            except ValueError as error:
                plan.mistakes[cell.method] = str(error)
    plan.cells = [cell for cell in plan.cells if cell.method not in plan.mistakes]


def check_long_prompts(tree: Tree, subjects: Sequence[Subject]) -> None:
    """Refuse a recipe whose text tower takes fewer tokens than a prompt of its subjects has.

    A table's test subjects may have longer prompts than its training subjects, and days of training lie between.

    Args:
        tree: The whole recipe.
        subjects: All that the table trains on or tests.

    Raises:
        ValueError: If a prompt is too long; the message names the field that takes more.
    """
    recipe, _ = check(Source(dict(tree)))
    with without_memory():
        parts = build.parts(recipe, untrained=False)
        readers = dict.fromkeys(clip for _, clip in text_readers(recipe, parts))
    texts = sorted({record.to_prompt() for one in subjects for record in _records(one, recipe)})
    for clip in readers:
        clip.check_texts(texts)


def _records(subject: Subject, recipe: Recipe) -> Iterator[Acquisition]:
    spacing = next((step["spacing"] for step in recipe.data.prepare if step["name"] == "resample"), None)
    for name in recipe.modalities:
        if name in subject.acquisitions:
            record = subject.acquisitions[name]
            yield record if spacing is None else replace(record, voxel_size_mm=tuple(map(float, spacing)))
