"""A probe from outside anysyn: what a synthesis shows where the sources show air."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from anysyn.data.records import Subject
from anysyn.evaluation.pairs import parse_pairs
from anysyn.probes.findings import Findings
from anysyn.probes.measurement import Measurement
from anysyn.probes.probe import Options, Probe, Request
from anysyn.probes.section import Grid, Section
from anysyn.probes.tables import Table
from anysyn.registry import register
from anysyn.synthesis.loaded_run import LoadedRun


class AirOptions(Options):
    """Which syntheses are looked at, and from which intensity on air is not air."""

    pairs: str = Field("all", description="T1w:T2w,T1w+T2w:FLAIR or all.")
    above: float = Field(0.02, ge=0, description="Intensity of prepared images that air must not reach.")


@register("probe", "air")
class Air(Probe):
    """How much of the air around the head a synthesis fills."""

    title = "Air"
    options = AirOptions
    tables = {"cases": Table({"subject": str, "pair": str, "filled": float})}  # noqa: RUF012

    def begin(self, run: LoadedRun, request: Request, subjects: Sequence[Subject]) -> Sequence[Subject]:
        """Read the pairs; only subjects that have the sources of one are measured."""
        self.batch, self.pairs = request.batch, parse_pairs(self.settings.pairs, run.recipe.modalities)
        return [subject for subject in subjects if any(set(pair.sources) <= {*subject.images} for pair in self.pairs)]

    def measure(self, run: LoadedRun, subject: Subject) -> Measurement:
        """Return the share of background voxels that are brighter than air, for each pair."""
        study = run.prepare(subject)
        air, rows = ~study.foreground, []
        for pair in self.pairs:
            if set(pair.sources) <= study.images.keys():
                image = run.predict(study, pair.sources, [pair.target], self.batch)[pair.target].cpu()
                bright = (image[air] - study.air(pair.target)) > self.settings.above
                rows.append({"subject": study.key, "pair": str(pair), "filled": float(bright.float().mean())})
        return Measurement({"cases": rows})

    def summary(self, findings: Findings) -> Sequence[Grid]:
        """Return the mean share of each pair."""
        means = findings.tables["cases"].groupby("pair", sort=False)["filled"].mean()
        cells = [[str(pair), f"{100 * mean:.2f} %"] for pair, mean in means.items()]
        return [Grid(["pair", "air that is filled"], cells)]

    def section(self, findings: Findings) -> Section:
        """Show the same table on the page."""
        text = f"How much of the air around the head is brighter than {self.settings.above} on {findings.where}."
        return Section(self.title, text, self.summary(findings))
