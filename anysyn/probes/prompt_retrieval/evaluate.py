"""Prompt retrieval: does an image-text model find the prompt of an image, and its modality? (TUMSyn, Suppl. Fig. 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import torch

from anysyn import build
from anysyn.data.records import Subject
from anysyn.data.views import View
from anysyn.probes.encoders import image_text_model
from anysyn.probes.findings import Findings
from anysyn.probes.measurement import Measurement
from anysyn.probes.probe import Conclusion, Probe, Request
from anysyn.probes.prompt_retrieval.ranks import (
    CANDIDATES,
    PairedImage,
    embed_images,
    rank_prompts,
    summarise_accuracy,
)
from anysyn.probes.prompt_retrieval.report import CAPTIONS, TEXT, accuracy_grid, retrieval_figure
from anysyn.probes.section import Chart, Grid, Section
from anysyn.probes.tables import Table
from anysyn.recipe import Recipe
from anysyn.registry import register
from anysyn.synthesis.loaded_run import LoadedRun, networks
from anysyn.types import ImageTextModel

ABOUT = ("subject", "dataset", "modality", "prompt")
TABLES = {
    "images": Table(
        {"subject": str, "dataset": str, "modality": str, "found": str, "nearest": str, "rank": int, "of_ten": float}
        | {"prompt": str, "nearest_prompt": str}
    ),
    "accuracy": Table({"of": str, "dataset": str, "modality": str, "count": int, "accuracy": float, "chance": float}),
}


@register("probe", "prompt_retrieval")
class PromptRetrieval(Probe):
    """How often the image-text model finds the prompt of a real image, and its modality.

    Images are embedded by the view of the stage that trained the model. The prompt is looked for among ten: the true
    one and nine others of the measured subjects, on average over all choices of the nine; the modality among the
    descriptions of all.
    """

    title = "Prompt retrieval"
    tables = TABLES

    def begin(self, run: LoadedRun, request: Request, subjects: Sequence[Subject]) -> Sequence[Subject]:
        """Load the image-text model."""
        self.request, self.name, self.view = request, image_text_model(run), view_of(run.recipe)
        self.model = cast(ImageTextModel, networks(run.folder, run.recipe, only=[self.name])[self.name])
        self.model.to(run.hardware.device).eval()
        return subjects

    def measure(self, run: LoadedRun, subject: Subject) -> Measurement:
        """Embed every image of a subject, and write its prompt."""
        images = embed_images(
            self.model,
            run.prepare(subject),
            view=self.view,
            modalities=tuple(run.recipe.modalities),
            hardware=run.hardware,
            size=self.request.batch,
        )
        rows = [{name: getattr(image, name) for name in ABOUT} for image in images]
        return Measurement({"pairs": rows}, {"embeddings": np.stack([image.embedding.numpy() for image in images])})

    def conclude(self, run: LoadedRun, measurements: Sequence[Measurement]) -> Conclusion:
        """Rank the prompts of all images by their distance from each image."""
        pairs = [
            PairedImage(**row, embedding=torch.from_numpy(embedding))
            for one in measurements
            for row, embedding in zip(one.rows["pairs"], one.arrays["embeddings"], strict=True)
        ]
        names = tuple(run.recipe.modalities)
        images = rank_prompts(self.model, pairs, names)
        prompts = images["prompt"].nunique()
        note = (
            f"Real images; {self.name!r} is the image-text model. Prompts that differ: {prompts}; "
            f"candidates for an image: {min(CANDIDATES, prompts)}."
        )
        tables = {"images": images, "accuracy": summarise_accuracy(images, len(names))}
        return Conclusion(tables, [note], {"model": self.name})

    def summary(self, findings: Findings) -> Sequence[Grid]:
        """Return the accuracies."""
        return [accuracy_grid(findings.tables["accuracy"])]

    def section(self, findings: Findings) -> Section:
        """Show which modality and which prompt is found, and the accuracies."""
        chart = Chart(retrieval_figure(findings.tables["images"], findings.tables["accuracy"]), CAPTIONS["figure"])
        return Section(self.title, TEXT.format(where=findings.where), [chart, *self.summary(findings)])


def view_of(recipe: Recipe) -> View:
    """Return the view of the last stage that pairs images and prompts; if there is none, that of all stages.

    Args:
        recipe: The checked recipe.

    Example:
        >>> type(view_of(build.load("small/label"))).__name__
        'Slices'
    """
    spec = recipe.data.view
    for stage in recipe.stages:
        if any(step.objective["name"] == "clip_pairs" for step in stage.steps):  # type: ignore[index]
            spec = stage.view or recipe.data.view
    view: View = build.make(recipe, spec, "view")
    return view
