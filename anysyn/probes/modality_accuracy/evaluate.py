"""Modality accuracy: does an image-text model recognize modalities, and its loss a wrong one? (OmniSyn, Table 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from anysyn.data.records import Subject
from anysyn.probes.encoders import image_text_model
from anysyn.probes.findings import Findings
from anysyn.probes.measurement import Measurement
from anysyn.probes.modality_accuracy.accuracy import UNNAMED, compare_losses, summarise_accuracy
from anysyn.probes.modality_accuracy.predictions import classify_descriptions, classify_slices
from anysyn.probes.modality_accuracy.report import (
    CAPTIONS,
    TEXT,
    accuracy_grid,
    description_grid,
    loss_grid,
    probability_map,
)
from anysyn.probes.probe import Conclusion, Probe, Request, rows_of
from anysyn.probes.section import Chart, Grid, Section
from anysyn.probes.tables import Table
from anysyn.registry import register
from anysyn.synthesis.loaded_run import LoadedRun, networks
from anysyn.types import ImageTextModel

TABLES = {
    "texts": Table({"modality": str, "description": str, "found": str}, more=True),
    "slices": Table({"subject": str, "dataset": str, "slice": int, "modality": str, "found": str}, more=True),
    "accuracy": Table(
        {"of": str, "dataset": str, "in_training": str, "modality": str} | {"count": int, "accuracy": float}
    ),
    "losses": Table(
        {"modality": str, "description": str, "slices": int} | {"right": float, "wrong": float, "higher": float}
    ),
}


@register("probe", "modality_accuracy")
class ModalityAccuracy(Probe):
    """How well the image-text model recognizes modalities from texts and real slices, and its semantic loss."""

    title = "Modality accuracy"
    tables = TABLES

    def begin(self, run: LoadedRun, request: Request, subjects: Sequence[Subject]) -> Sequence[Subject]:
        """Load the image-text model."""
        self.request, self.name = request, image_text_model(run)
        self.model = cast(ImageTextModel, networks(run.folder, run.recipe, only=[self.name])[self.name])
        self.model.to(run.hardware.device).eval()
        return subjects

    def measure(self, run: LoadedRun, subject: Subject) -> Measurement:
        """Compare every slice of a subject, in every modality that it has, with all descriptions."""
        slices = classify_slices(
            self.model,
            run.prepare(subject),
            view=run.view,
            modalities=tuple(run.recipe.modalities),
            hardware=run.hardware,
            size=self.request.batch,
        )
        rows = [{str(column): value for column, value in row.items()} for row in slices.to_dict("records")]
        return Measurement({"slices": rows})

    def conclude(self, run: LoadedRun, measurements: Sequence[Measurement]) -> Conclusion:
        """Count the modalities recognized, and the slices whose loss is higher given a wrong description."""
        texts = classify_descriptions(self.model, tuple(run.recipe.modalities))
        slices = rows_of(measurements, "slices")
        trained = sorted(run.pipeline.typical.datasets)
        accuracy = summarise_accuracy(texts, slices, trained)
        tables = {"texts": texts, "slices": slices, "accuracy": accuracy, "losses": compare_losses(slices)}
        known = ", ".join(dataset or UNNAMED for dataset in trained)
        note = f"Real images; {self.name!r} is the image-text model. Datasets of the training: {known}."
        return Conclusion(tables, [note], {"model": self.name})

    def summary(self, findings: Findings) -> Sequence[Grid]:
        """Return the accuracies and the losses."""
        return [accuracy_grid(findings.tables["accuracy"]), loss_grid(findings.tables["losses"])]

    def section(self, findings: Findings) -> Section:
        """Show the accuracies, the probabilities of each modality, the losses and the descriptions."""
        texts, (accuracy, losses) = findings.tables["texts"], self.summary(findings)
        chart = Chart(probability_map(texts, findings.tables["slices"]), CAPTIONS["probabilities"])
        return Section(
            self.title, TEXT.format(where=findings.where), [accuracy, chart, losses, description_grid(texts)]
        )
