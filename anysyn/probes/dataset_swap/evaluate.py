"""Dataset swap: does treating a subject as another dataset bring its synthesis closer to that dataset's intensities?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
from pydantic import Field

from anysyn.data.loading.cache import FILES as CACHED
from anysyn.data.records import Subject
from anysyn.evaluation.errors import EvaluationError
from anysyn.probes.comparison_runs import CompareOptions, load_comparison_runs
from anysyn.probes.dataset_swap.collect import REAL, compare_runs, draw_points
from anysyn.probes.dataset_swap.distances import DISTANCES, SWAP, swap_means
from anysyn.probes.dataset_swap.report import CAPTIONS, TEXT, intensity_figure, summary_grid
from anysyn.probes.dataset_swap.synthesize import choose_pairs, read_pairs
from anysyn.probes.dataset_swap.training_images import (
    count_images,
    list_shared,
    list_training_subjects,
    read_references,
)
from anysyn.probes.findings import Findings, first_reason
from anysyn.probes.measurement import Measurement
from anysyn.probes.probe import Conclusion, Probe, Request
from anysyn.probes.section import Chart, Grid, Section
from anysyn.probes.tables import Table
from anysyn.registry import register, suggest
from anysyn.synthesis.completion.missing_contrasts import trained_for
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.requests.dataset import reads_dataset
from anysyn.text.counts import counted

SAME = ("modalities", "prepare", "resample_to", "split")  # what runs that are compared agree in; views may differ
WORDS: dict[str, type] = dict.fromkeys(SWAP, str)
MEANS: dict[str, type] = dict.fromkeys(DISTANCES, float)
TABLES = {
    "swaps": Table({"subject": str, "sources": str} | WORDS | MEANS),
    "summary": Table(WORDS | {"comparisons": int} | MEANS | {"share": float}),
    "curves": Table({"method": str, "target": str, "dataset": str, "intensity": float, "density": float}),
}


class DatasetSwapOptions(CompareOptions):
    """Which runs and pairs, and where the training images are."""

    pairs: str = Field("all", description="T1w:T2w,T1w+T2w:FLAIR; by default each target from all other images.")
    training: Path | None = Field(None, description="Training subjects, if they were moved.")


@register("probe", "dataset_swap")
class DatasetSwap(Probe):
    """Whether treating a subject as another dataset brings its synthesis closer to that dataset's real images."""

    title = "Dataset swap"
    options = DatasetSwapOptions
    tables = TABLES
    files = tuple(f"references/{name}" for name in CACHED)

    def begin(self, run: LoadedRun, request: Request, subjects: Sequence[Subject]) -> Sequence[Subject]:
        """Load the comparison runs, and read the training images of each dataset."""
        settings, names, where = self.settings, run.recipe.modalities, run.folder.path
        self.request, self.runs = (
            request,
            load_comparison_runs(run, settings.compare, same=SAME, taken=[REAL], accelerator=request.accelerator),
        )
        training, unread = list_training_subjects(run, settings.training)
        self.counts = count_images(training, names)
        self.targets, pairs = list_shared(self.counts, where), read_pairs(settings.pairs, names, self.counts)
        check_known(self.runs, {name for target in self.targets for name in self.counts[target]})
        known = of_known_datasets(subjects, run, request)
        self.references, unusable = read_references(run, training, self.targets, request)
        self.strangers, self.failures = len(subjects) - len(known), [*unread, *unusable]
        trained = trained_for(run.recipe)
        self.pairs = {one.key: choose_pairs(one, self.references, pairs, trained) for one in known}
        chosen = [subject for subject in known if self.pairs[subject.key]]
        if not chosen:
            why = f"no subject can be treated as another dataset{first_reason(self.failures)}"
            raise EvaluationError(f"{request.where}: {why}; choose other --pairs or --split")
        return chosen

    def measure(self, run: LoadedRun, subject: Subject) -> Measurement:
        """Compare the syntheses of a subject, treated as each dataset, with the real images."""
        study = run.prepare(subject)
        return compare_runs(self.runs, study, self.pairs[subject.key], self.references, self.request.batch)

    def conclude(self, run: LoadedRun, measurements: Sequence[Measurement]) -> Conclusion:
        """Average the distances, and pool the intensities of all subjects."""
        order = list(self.references)
        rows = [row for one in measurements for row in one.rows["swaps"]]
        swaps = TABLES["swaps"].frame(
            sorted(rows, key=lambda row: (order.index(row["target"]), row["dataset"], row["to"]))
        )
        tables = {"summary": swap_means(swaps), "curves": draw_points(measurements, self.references)}
        frames = {name: TABLES[name].frame(table) for name, table in tables.items()}
        return Conclusion({"swaps": swaps, **frames}, list(self._notes(swaps)), {"training images": self.counts})

    def summary(self, findings: Findings) -> Sequence[Grid]:
        """Return the mean distances."""
        return [summary_grid(findings.tables["summary"])]

    def section(self, findings: Findings) -> Section:
        """Show the intensities of each dataset, real and synthesized, and the mean distances."""
        picture = intensity_figure(findings.tables["curves"], findings.tables["summary"])
        text = TEXT.format(where=findings.where)
        return Section(self.title, text, [Chart(picture, CAPTIONS["curves"]), *self.summary(findings)])

    def _notes(self, swaps: pd.DataFrame) -> Iterator[str]:
        methods, subjects = swaps["method"].nunique(), swaps["subject"].nunique()
        yield f"Comparisons of each method: {len(swaps) // methods}; subjects: {subjects}."
        counts = (f"{name} {', '.join(f'{of} {n}' for of, n in self.counts[name].items())}" for name in self.targets)
        yield f"Training images: {'; '.join(counts)}."
        for label, run in self.runs.items():
            if not reads_dataset(run.model):
                yield f"{label} is not conditioned on the dataset, so its synthesis is the same for all."
        if self.strangers:
            strangers = counted(self.strangers, "subject is", "subjects are")
            yield f"{strangers} of no dataset of the training and left out."
        single = [f"{name} ({', '.join(n)})" for name, n in self.counts.items() if name not in self.targets and n]
        if single:
            yield f"One dataset alone has {', '.join(single)}, so it is not compared."


def check_known(runs: Mapping[str, LoadedRun], names: set[str]) -> None:
    """Refuse a run that is conditioned on the dataset, but was not trained on all.

    Args:
        runs: By label.
        names: Datasets that subjects are treated as.

    Raises:
        EvaluationError: If one does not know one; the message lists the choices.
    """
    for run in (run for run in runs.values() if reads_dataset(run.model)):
        for name in sorted(names - set(run.datasets.learned)):
            raise EvaluationError(f"{run.folder.path} does not know {name!r}; {suggest(name, run.datasets.learned)}")


def of_known_datasets(subjects: Sequence[Subject], run: LoadedRun, request: Request) -> list[Subject]:
    """Choose the subjects of the training's datasets; the others have no dataset of their own to compare with.

    Args:
        subjects: Those of the split.
        run: Whose training counts.
        request: Where they were found.

    Raises:
        EvaluationError: If there is none.
    """
    learned = run.datasets.learned
    known = [subject for subject in subjects if subject.dataset in learned]
    if not known:
        where = f"--data {request.data}" if request.data else str(run.recipe.data.root)
        others = sorted({subject.dataset for subject in subjects})
        raise EvaluationError(
            f"{where}: no subject is of a dataset of the training, but of {', '.join(map(repr, others))}; "
            f"{suggest(others[0], learned)}"
        )
    return known
