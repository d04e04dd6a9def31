"""Embeddings: does an encoder see the anatomy of a slice, or its modality? (OmniSyn, Table 5 left and Fig. 6)."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from anysyn.data.records import Subject
from anysyn.probes.embeddings.cosines import arranged
from anysyn.probes.embeddings.report import CAPTIONS, TEXT, cosine_grid, scatter
from anysyn.probes.embeddings.slices import embed_study, project_slices, summarise_cosines
from anysyn.probes.encoders import EncoderOptions, encoders_of
from anysyn.probes.findings import Findings
from anysyn.probes.measurement import Measurement
from anysyn.probes.probe import Conclusion, Probe, Request
from anysyn.probes.section import Chart, Grid, Section
from anysyn.probes.tables import Table
from anysyn.registry import register
from anysyn.synthesis.loaded_run import LoadedRun

TABLES = {
    "cosines": Table(
        {"encoder": str, "first": str, "second": str}
        | {"same_slice": float, "other_slice": float, "other_subject": float}
    ),
    "coordinates": Table(
        {"encoder": str, "subject": str, "dataset": str, "slice": int, "modality": str, "x": float, "y": float}
    ),
}


@register("probe", "embeddings")
class Embeddings(Probe):
    """Whether the encoder embeds slices by their anatomy or by their modality."""

    title = "Embeddings"
    options = EncoderOptions
    tables = TABLES

    def begin(self, run: LoadedRun, request: Request, subjects: Sequence[Subject]) -> Sequence[Subject]:
        """Load the encoders that are compared."""
        self.request = request
        self.encoders = encoders_of(run, self.settings.compare)
        return subjects

    def measure(self, run: LoadedRun, subject: Subject) -> Measurement:
        """Embed every slice of a subject in every modality that it has."""
        study, names = run.prepare(subject), tuple(run.recipe.modalities)
        vectors = {
            label: embed_study(
                model,
                study,
                view=run.view,
                modalities=names,
                hardware=run.hardware,
                size=self.request.batch,
                dataset=run.dataset_weights(study),
            )
            for label, model in self.encoders.items()
        }
        count = len(next(iter(vectors.values())))
        available = torch.tensor([name in study.images for name in names]).expand(count, -1)  # (N, M)
        arrays = {f"vectors/{label}": one.numpy() for label, one in vectors.items()}
        about = {"subject": study.key, "dataset": study.dataset}
        rows = [{**about, "slice": number} for number in range(count)]
        return Measurement({"slices": rows}, arrays | {"available": available.numpy()})

    def conclude(self, run: LoadedRun, measurements: Sequence[Measurement]) -> Conclusion:
        """Average the cosines over all pairs of slices, and project the embeddings on two principal components."""
        names, labels = run.recipe.modalities, list(self.encoders)
        cosines = summarise_cosines(measurements, names, labels)
        coordinates, shares = project_slices(measurements, names, labels)
        slices = sum(len(one.rows["slices"]) for one in measurements)
        notes = [f"Slices: {slices}; subjects: {len(measurements)}."]
        return Conclusion({"cosines": cosines, "coordinates": coordinates}, notes, {"explained variance": shares})

    def summary(self, findings: Findings) -> Sequence[Grid]:
        """Return the cosines."""
        return [cosine_grid(*arranged(findings.tables["cosines"]))]

    def section(self, findings: Findings) -> Section:
        """Show the cosines and the principal components."""
        picture = scatter(findings.tables["coordinates"], findings.record["explained variance"])
        text = TEXT.format(where=findings.where)
        return Section(self.title, text, [*self.summary(findings), Chart(picture, CAPTIONS["components"])])
