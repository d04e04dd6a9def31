"""Stage prediction: do frozen features of an encoder tell the stage of a disease? OmniSyn, Fig. 11."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from anysyn.data.records import Failure, Subject
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.lesion_masks import LABEL_MAP, TASKS, lesion_of
from anysyn.probes.encoders import TRAINED, EncoderOptions, first_and_last
from anysyn.probes.findings import Findings
from anysyn.probes.measurement import Measurement
from anysyn.probes.probe import Conclusion, Probe, Request
from anysyn.probes.section import Chart, Grid, Section
from anysyn.probes.stage_prediction.auc import auc_interval, mean_auc
from anysyn.probes.stage_prediction.features import REAL, SYNTHESIZED, features, synthesized
from anysyn.probes.stage_prediction.head import out_of_fold
from anysyn.probes.stage_prediction.labels import VOLUME, Labels, read_labels, usable, volume_classes
from anysyn.probes.stage_prediction.report import (
    CAPTIONS,
    TEXT,
    confusion_grid,
    curves,
    label_grid,
    predicted,
    summary_grid,
)
from anysyn.probes.tables import Row, Table
from anysyn.registry import register
from anysyn.synthesis.loaded_run import LoadedRun

ML = 1000.0  # cubic millimetres
CASE = dict.fromkeys(("encoder", "images", "column", "subject", "dataset", "person", "truth", "label"), str)
SUMMARY = {"encoder": str, "images": str, "column": str, "labels": str, "subjects": int, "people": int}
SUMMARY |= dict.fromkeys(("auc", "auc_low", "auc_high", "accuracy", "largest"), float)
TABLES = {"cases": Table({**CASE, "probability": float}), "summary": Table(SUMMARY)}


class StageOptions(EncoderOptions):
    """What is predicted, and further encoders."""

    labels: Path | None = Field(None, description="CSV of labels by subject; by default the lesion's volume class.")
    column: tuple[str, ...] = Field((), description="T, N, M, stage: columns of --labels; repeat for more. All else.")


@register("probe", "stage_prediction")
class StagePrediction(Probe):
    """Whether a linear head on the frozen features of the encoder tells labels of people that it never saw.

    Heads are fitted on the real images of some people, and asked about the real images of others, and about synthesized
    ones in their place.
    """

    title = "Stage prediction"
    options = StageOptions
    tables = TABLES

    def begin(self, run: LoadedRun, request: Request, subjects: Sequence[Subject]) -> Sequence[Subject]:
        """Load the encoders and the labels; subjects without a label are left out."""
        self.request, settings = request, self.settings
        self.persons = {subject.key: subject.person or subject.key for subject in subjects}
        self.encoders = first_and_last(run, settings.compare)
        if settings.labels is None:
            return [subject for subject in subjects if any(task.known_of(subject) for task in TASKS)] or _no_labels()
        self.labels = read_labels(settings.labels, settings.column, subjects, self.failures)
        return [one for one in subjects if any(one.key in column for column in self.labels.values())] or _no_labels()

    def measure(self, run: LoadedRun, subject: Subject) -> Measurement:
        """Embed the real images of a subject, and those that the run synthesizes in their place."""
        study, batch = run.prepare(subject), self.request.batch
        made = synthesized(run, study, batch)
        shown = {REAL: {name: study.images[name] for name in made.images}, SYNTHESIZED: made.images}
        arrays = {
            f"{images}/{label}": features(model, run, study, batch, shown[images])
            for images in shown
            for label, model in self.encoders.items()
        }
        row: dict[str, str | float] = {"subject": subject.key, "dataset": subject.dataset}
        if self.settings.labels is None:
            voxel = float(np.prod(study.grid.spacing)) / ML
            row |= {"lesion_ml": float(lesion_of(subject, study).sum()) * voxel}
        return Measurement({"subjects": [row]}, arrays)

    def conclude(self, run: LoadedRun, measurements: Sequence[Measurement]) -> Conclusion:
        """Fit heads on some people and ask them about the others, for each label and encoder."""
        rows = [dict(one.rows["subjects"][0]) for one in measurements]
        labels = self._labels(rows)
        cases, summary = list[Row](), list[Row]()
        for column, by_subject in labels.items():
            some = [number for number, row in enumerate(rows) if row["subject"] in by_subject]
            about = [{**rows[n], "truth": by_subject[str(rows[n]["subject"])], "column": column} for n in some]
            for encoder in self.encoders:
                vectors = {
                    images: np.stack([measurements[n].arrays[f"{images}/{encoder}"] for n in some]).astype(np.float64)
                    for images in (REAL, SYNTHESIZED)
                }
                new = list(self._cases(about, vectors, encoder, run.recipe.seed))
                cases += new
                summary += self._summaries(pd.DataFrame(new), run.recipe.seed)
        note = "A head is fitted on real images of other people alone; no encoder ever saw a label."
        return Conclusion(
            {name: TABLES[name].frame(of) for name, of in (("cases", cases), ("summary", summary))}, [note]
        )

    def summary(self, findings: Findings) -> Sequence[Grid]:
        """Return the areas under the curves."""
        return [summary_grid(findings.tables["summary"])]

    def section(self, findings: Findings) -> Section:
        """Show the areas, how frequent the labels are, the curves and the confusions."""
        cases = findings.tables["cases"]
        drawn = Chart(curves(cases, TRAINED), CAPTIONS["curves"])
        blocks: list[Grid | Chart] = [*self.summary(findings), label_grid(cases), drawn, confusion_grid(cases, TRAINED)]
        return Section(self.title, TEXT.format(where=findings.where), blocks)

    def _labels(self, rows: Sequence[Mapping[str, object]]) -> Labels:
        """Return what can be predicted, and list what too few people have.

        Raises:
            EvaluationError: If nothing can.
        """
        measured = [str(row["subject"]) for row in rows]
        if self.settings.labels is None:
            columns = {VOLUME: volume_classes({str(row["subject"]): float(str(row["lesion_ml"])) for row in rows})}
        else:
            columns = {name: {key: of[key] for key in measured if key in of} for name, of in self.labels.items()}
        found = Labels()
        for column, of in columns.items():
            kept, rare = usable(of, self.persons)
            self.failures += [Failure(column, None, f"{label!r} is of one person alone; left out") for label in rare]
            if len(set(kept.values())) > 1:
                found[column] = kept
            else:
                self.failures.append(
                    Failure(column, None, "has not two labels of two people each, so none is predicted")
                )
        if not found:
            raise EvaluationError(
                f"nothing can be predicted of {len(rows)} subjects: a label needs two values of two people each; "
                "measure more people with --split all or --data"
            )
        return found

    def _cases(
        self, about: Sequence[Row], vectors: Mapping[str, np.ndarray], encoder: str, seed: int
    ) -> Iterator[dict[str, object]]:
        truth = [str(row["truth"]) for row in about]
        persons = [self.persons[str(row["subject"])] for row in about]
        names = sorted(set(truth))
        for images, found in out_of_fold(vectors[REAL], vectors, truth, persons, seed=seed).items():
            for row, person, shares in zip(about, persons, found, strict=True):
                given = {key: row[key] for key in ("column", "subject", "dataset", "truth")}
                given |= {"encoder": encoder, "images": images, "person": person}
                yield from (
                    {**given, "label": name, "probability": float(share)}
                    for name, share in zip(names, shares, strict=True)
                )

    def _summaries(self, cases: pd.DataFrame, seed: int) -> Iterator[Row]:
        for images in (REAL, SYNTHESIZED):
            rows = cases[cases["images"] == images]
            names = sorted(rows["label"].unique())
            once = rows.drop_duplicates("subject")
            truth = once["truth"].map(names.index).to_numpy()
            shares = rows["probability"].to_numpy().reshape(len(once), len(names))
            span = auc_interval(truth, shares, list(once["person"]), generator=np.random.default_rng(seed))
            best = predicted(rows)
            yield {
                **{name: once[name].iloc[0] for name in ("encoder", "images", "column")},
                **{"labels": ", ".join(names), "subjects": len(once), "people": once["person"].nunique()},
                **{"auc": mean_auc(truth, shares), "auc_low": span.low, "auc_high": span.high},
                **{"accuracy": float((best["predicted"] == best["truth"]).mean())},
                "largest": float(np.bincount(truth).max() / len(once)),
            }


def _no_labels() -> Sequence[Subject]:
    needed = " or ".join(", ".join(sorted(task.masks)) for task in TASKS)
    raise EvaluationError(
        f"no subject has a label: name a table with --labels, or give lesion masks ({needed}, or {LABEL_MAP}), whose "
        "volume is then the label"
    )
