"""Robustness: how much of a synthesis is left when its sources are corrupted (OmniSyn, Table 6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field

from anysyn.data.records import Failure, Subject
from anysyn.evaluation.cases import Cases
from anysyn.evaluation.degradation.corruptions import SEVERITIES, Corruption
from anysyn.evaluation.degradation.corruptions import corruption as find_corruption
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics.protocol import protocol as find_protocol
from anysyn.evaluation.pairs import parse_pairs
from anysyn.evaluation.tables.cases_table import ABOUT as CASE
from anysyn.evaluation.tables.statistics import summary
from anysyn.probes.comparison_runs import CompareOptions, load_comparison_runs
from anysyn.probes.findings import Findings
from anysyn.probes.measurement import Measurement
from anysyn.probes.probe import Conclusion, Probe, Request, rows_of
from anysyn.probes.robustness.means import ABOUT, CLEAN, degraded_means, means_grid, shown_metrics
from anysyn.probes.robustness.report import CAPTION, TEXT, degradation_curves
from anysyn.probes.section import Chart, Grid, Section
from anysyn.probes.tables import Row, Table
from anysyn.registry import names, register
from anysyn.synthesis.loaded_run import LoadedRun

SAME = ("modalities", "prepare")  # what runs that are compared agree in
TABLES = {
    "cases": Table({"corruption": str, "level": float, "input_psnr": float} | dict.fromkeys(CASE, str), more=True),
    "summary": Table(ABOUT, more=True),
}


class RobustnessOptions(CompareOptions):
    """What is done to the sources, and what is measured."""

    corruption: tuple[str, ...] = Field(
        (), description="motion=severe, gaussian=0.1; repeat for more. All at three severities by default."
    )
    pairs: str = Field("all", description="T1w:T2w,T1w+T2w:FLAIR or all.")
    protocol: str = Field("anysyn", description="How images are compared: anysyn list protocols.")
    seed: int = Field(0, ge=0, lt=2**63, description="Draws what is random in a corruption; alike for every run.")


@register("probe", "robustness")
class Robustness(Probe):
    """How much quality is lost when the sources are corrupted; the truth stays clean."""

    title = "Robustness"
    options = RobustnessOptions
    tables = TABLES

    def begin(self, run: LoadedRun, request: Request, subjects: Sequence[Subject]) -> Sequence[Subject]:
        """Load the comparison runs, and read the corruptions, the pairs and the protocol."""
        settings = self.settings
        self.request, self.protocol = request, find_protocol(settings.protocol)
        self.pairs = parse_pairs(settings.pairs, run.recipe.modalities)
        corruptions = [find_corruption(one) for one in settings.corruption or _every()]
        twice = next((str(one) for n, one in enumerate(corruptions) if one in corruptions[:n]), None)
        if twice is not None:
            raise EvaluationError(f"--corruption {twice} is given twice, which would count every case twice; drop one")
        self.corruptions = [None, *corruptions]
        self.runs = load_comparison_runs(run, settings.compare, same=SAME, accelerator=request.accelerator)
        return [one for one in subjects if any(pair.within(one.images) for pair in self.pairs)]

    def measure(self, run: LoadedRun, subject: Subject) -> Measurement:
        """Evaluate a subject with every run, with clean and with corrupted sources."""
        rows, failures = list[Row](), list[Failure]()
        pairs = [pair for pair in self.pairs if pair.within(subject.images)]
        for label, one in self.runs.items():
            for corruption in self.corruptions:
                cases = self._cases(one, corruption)
                cases.add(subject, pairs)
                rows += _rows(label, corruption, cases)
                failures += cases.failures
        return Measurement({"cases": rows}, failures=tuple(dict.fromkeys(failures)))  # a bad file fails in all alike

    def conclude(self, run: LoadedRun, measurements: Sequence[Measurement]) -> Conclusion:
        """Average over the cases."""
        cases = TABLES["cases"].frame(rows_of(measurements, "cases"))
        notes = [self.protocol.describe(), f"Seed of the corruptions: {self.settings.seed}."]
        record = {"corruptions": [*map(str, self.corruptions[1:])], "protocol": self.protocol.fields()}
        means = TABLES["summary"].frame(degraded_means(cases))
        return Conclusion({"cases": cases, "summary": means}, notes, {**record, "digest": self.protocol.digest})

    def summary(self, findings: Findings) -> Sequence[Grid]:
        """Return the means."""
        return [means_grid(findings.tables["summary"])]

    def section(self, findings: Findings) -> Section:
        """Show a degradation curve for each metric, and the means."""
        means = findings.tables["summary"]
        curves = [Chart(degradation_curves(means, name), CAPTION) for name in shown_metrics(means)]
        return Section(self.title, TEXT.format(where=findings.where), [*curves, *self.summary(findings)])

    def _cases(self, run: LoadedRun, corruption: Corruption | None) -> Cases:
        return Cases(
            run=run,
            protocol=self.protocol,
            baselines=dict.fromkeys(self.pairs, ()),
            batch=self.request.batch,
            examples={},
            folder=self.request.folder,
            corruption=corruption,
            seed=self.settings.seed,
        )


def _every() -> list[str]:
    return [f"{name}={severity}" for name in names("corruption") for severity in SEVERITIES]


def _rows(label: str, corruption: Corruption | None, cases: Cases) -> Iterable[Mapping[str, Any]]:
    """Add to each case what was done to its sources, and what that left of them on average."""
    name, level = (CLEAN, 0.0) if corruption is None else (corruption.name, float(corruption.level))
    left = {row["modality"]: row["input_psnr"] for row in cases.inputs}
    for row in cases.rows:
        mean = summary([left[source] for source in row["sources"].split("+") if source in left]).mean
        yield {"corruption": name, "level": level, "input_psnr": float(mean), **row, "method": label}
