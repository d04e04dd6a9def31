"""Metadata sweep: does a synthesis follow the requested settings, compared with the simulated truth of each value?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from anysyn.data.records import Failure, Subject, listed
from anysyn.errors import UserError
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics.protocol import protocol as find_protocol
from anysyn.probes.comparison_runs import CompareOptions, load_comparison_runs
from anysyn.probes.findings import Findings
from anysyn.probes.measurement import Measurement
from anysyn.probes.metadata_sweep.held_out import choose_subjects
from anysyn.probes.metadata_sweep.measure import COPIED, ROW, Scene, measure_sweep
from anysyn.probes.metadata_sweep.report import CAPTION, TEXT, sweep_figure, value_grid
from anysyn.probes.metadata_sweep.summary import FOLLOWS, summarize_sweeps, summary_grid
from anysyn.probes.probe import Conclusion, Probe, Request, rows_of
from anysyn.probes.scanner_settings import Sweep, parse_sweeps
from anysyn.probes.section import Chart, Grid, Section
from anysyn.probes.tables import Row, Table
from anysyn.registry import register
from anysyn.simulation.truth import known_subjects
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.types import Descriptor

SAME = ("prepare", "resample_to", "split")  # what runs that are compared agree in; their views may differ
TABLES = {
    "sweep": Table(ROW, more=True),
    "summary": Table(
        {"sweep": str, "method": str, "subjects": int, "values": int} | dict.fromkeys(FOLLOWS, float), more=True
    ),
}


class MetadataSweepOptions(CompareOptions):
    """Which settings are requested, and how images are compared."""

    sweep: tuple[str, ...] = Field(description="T1w:T2w:te=60,80,100, of tr, te, ti or fa; repeat for more.")
    protocol: str = Field("anysyn", description="How images are compared: anysyn list protocols.")
    training: Path | None = Field(None, description="Training subjects, if they were moved.")


@register("probe", "metadata_sweep")
class MetadataSweep(Probe):
    """Whether a synthesis follows TR, TE, TI or flip angle, at values inside the training's range but not of it."""

    title = "Metadata sweep"
    options = MetadataSweepOptions
    tables = TABLES

    def begin(self, run: LoadedRun, request: Request, subjects: Sequence[Subject]) -> Sequence[Subject]:
        """Load the comparison runs, and choose the subjects of each sweep by what the training saw."""
        settings = self.settings
        self.request, self.protocol = request, find_protocol(settings.protocol)
        sweeps = parse_sweeps(settings.sweep, run.recipe.modalities)
        self.runs = load_comparison_runs(
            run, settings.compare, same=SAME, taken=[COPIED], accelerator=request.accelerator
        )
        for other in self.runs.values():
            parse_sweeps([f"{sweep}=1" for sweep in sweeps], other.recipe.modalities)  # it knows the modalities
        self.cohort = Path(request.data or run.recipe.data.root or "")
        known_subjects(self.cohort)
        self._choose(sweeps, subjects)
        return [one for one in subjects if any(one.key in keys for keys in self.subjects.values())]

    def measure(self, run: LoadedRun, subject: Subject) -> Measurement:
        """Synthesize and simulate a subject at every value of its sweeps."""
        rows, failures = list[Row](), list[Failure]()
        scene = Scene(subject, run, self.cohort)
        for sweep in (sweep for sweep, keys in self.subjects.items() if subject.key in keys):
            with listed(failures, subject.key, sweep.pair):
                rows += measure_sweep(scene, sweep, runs=self.runs, protocol=self.protocol, batch=self.request.batch)
        return Measurement({"sweep": rows}, failures=tuple(failures))

    def conclude(self, run: LoadedRun, measurements: Sequence[Measurement]) -> Conclusion:
        """Summarize how closely the contrast follows the true one."""
        rows = TABLES["sweep"].frame(rows_of(measurements, "sweep"))
        summary = TABLES["summary"].frame(summarize_sweeps(rows))
        notes = [self.protocol.describe(), *self.notes, *self._ignoring()]
        record = {"protocol": self.protocol.fields(), "digest": self.protocol.digest}
        return Conclusion({"sweep": rows, "summary": summary}, notes, record)

    def summary(self, findings: Findings) -> Sequence[Grid]:
        """Return the quality of the images and how closely their contrast follows the true one."""
        return [summary_grid(findings.tables["summary"])]

    def section(self, findings: Findings) -> Section:
        """Show the contrast over the values, the summary, and a metric at each value."""
        rows, summary = findings.tables["sweep"], findings.tables["summary"]
        values = [value_grid(part) for _, part in rows.groupby("sweep", sort=False)]
        blocks: list[Grid | Chart] = [Chart(sweep_figure(rows, summary), CAPTION), *self.summary(findings), *values]
        return Section(self.title, TEXT.format(where=findings.where), blocks)

    def _choose(self, sweeps: Sequence[Sweep], subjects: Sequence[Subject]) -> None:
        """Keep by sweep the keys of its subjects, and notes on those left out."""
        training = {label: _training_subjects(one, self.settings.training) for label, one in self.runs.items()}
        self.subjects, notes = dict[Sweep, set[str]](), list[str]()
        for sweep in sweeps:
            target = sweep.pair.target
            trained = {
                label: [one.acquisitions[target] for one in some if target in one.acquisitions]
                for label, some in training.items()
            }
            chosen, left_out = choose_subjects(sweep, subjects, trained)
            self.subjects[sweep] = {subject.key for subject in chosen}
            notes += left_out
        self.notes = list(dict.fromkeys(notes))

    def _ignoring(self) -> Iterator[str]:
        for label, run in self.runs.items():
            if not any(isinstance(one, Descriptor) and one.reads_acquisitions for one in run.model.modules()):
                yield f"{label} is conditioned on the modality alone, so its answer is the same for every setting."


def _training_subjects(run: LoadedRun, root: Path | None) -> Sequence[Subject]:
    try:
        return run.subjects(root, "train")[0]
    except (UserError, OSError) as error:
        raise EvaluationError(
            f"which settings {run.folder.path} has seen is not known, since its training subjects were not found "
            f"({error}); name their folder with --training"
        ) from error
