"""Content: does an encoder compute the same features of a place from every modality? With its alpha and beta."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import Field

from anysyn.data.records import Failure, Subject, listed
from anysyn.evaluation.tables.format import number
from anysyn.probes.content.alpha_beta import COMPONENTS, list_scans, project_alpha_beta, read_alpha_beta
from anysyn.probes.content.alpha_beta_figure import alpha_beta_figure
from anysyn.probes.content.features import Maps, encode_tiles
from anysyn.probes.content.likeness import SHARES, VALUES, WITH, average_pairs, compare_tiles, summarise_tiles
from anysyn.probes.content.report import CAPTIONS, TEXT, box_figure, matrix_figure, summary_grid
from anysyn.probes.encoders import EncoderOptions, encoders_of
from anysyn.probes.findings import Findings
from anysyn.probes.measurement import Measurement
from anysyn.probes.probe import Conclusion, Probe, Request, rows_of
from anysyn.probes.section import Chart, Grid, Section
from anysyn.probes.tables import Table
from anysyn.registry import register
from anysyn.synthesis.loaded_run import LoadedRun

MODALITIES = {"first": str, "second": str}
TABLES = {
    "tiles": Table(
        {"encoder": str, "subject": str, "dataset": str, "tile": int} | MODALITIES | dict.fromkeys(VALUES, float)
    ),
    "pairs": Table({"encoder": str} | MODALITIES | {"tiles": int} | dict.fromkeys(VALUES, float)),
    "summary": Table({"encoder": str, "measure": str, "pairs": int} | dict.fromkeys((*WITH, *SHARES), float)),
    "contrasts": Table(
        {"of": str, "subject": str, "dataset": str, "modality": str} | dict.fromkeys(("te", "tr", *COMPONENTS), float)
    ),
}


class ContentOptions(EncoderOptions):
    """Which encoders are compared, and on how many tiles."""

    tiles: int = Field(12, ge=1, description="Slices, slabs or blocks of each subject, evenly spread.")


class EncodedSubject(NamedTuple):
    """The maps of a subject by encoder, and its voxel size in mm."""

    maps: Mapping[str, Sequence[Maps]]
    voxel_size: tuple[float, float, float]


@register("probe", "content")
class Content(Probe):
    """Whether features of one place agree across source modalities."""

    title = "Content"
    options = ContentOptions
    tables = TABLES

    def begin(self, run: LoadedRun, request: Request, subjects: Sequence[Subject]) -> Sequence[Subject]:
        """Load the encoders that are compared."""
        self.request, self.subjects, self.encoders = request, subjects, encoders_of(run, self.settings.compare)
        by_key = {subject.key: subject for subject in subjects}
        # In order, the subject that one is compared with is mostly the one before it: two spare encoding each twice.
        self.encoded = lru_cache(maxsize=2)(lambda key: self._encode(run, by_key[key]))
        return subjects

    def measure(self, run: LoadedRun, subject: Subject) -> Measurement:
        """Compare the tiles of a subject with each other and with those of the subject before who is another person."""
        others, names = self._maps_of_another_person(subject), run.recipe.modalities
        own = self.encoded(subject.key)
        about = {"subject": subject.key, "dataset": subject.dataset}
        rows = [
            about | row
            for label, maps in own.maps.items()
            for row in compare_tiles(maps, others.get(label, ()), names, label)
        ]
        return Measurement({"tiles": rows}, {"voxel size": np.array(own.voxel_size)})

    def conclude(self, run: LoadedRun, measurements: Sequence[Measurement]) -> Conclusion:
        """Average over the tiles, and project alpha and beta of the cohort's acquisitions."""
        tiles = TABLES["tiles"].frame(rows_of(measurements, "tiles"))
        first, second, third = measurements[0].arrays["voxel size"].tolist()
        contrasts, shares = self._alpha_beta(run, (first, second, third))
        tables = {"tiles": tiles, "pairs": average_pairs(tiles), "summary": summarise_tiles(tiles)}
        frames = {name: TABLES[name].frame(table) for name, table in {**tables, "contrasts": contrasts}.items()}
        return Conclusion(frames, list(_notes(tiles, shares)), {"explained variance": shares})

    def summary(self, findings: Findings) -> Sequence[Grid]:
        """Return the means over all tiles."""
        return [summary_grid(findings.tables["summary"])]

    def section(self, findings: Findings) -> Section:
        """Show the means, all tiles, each two modalities, and alpha and beta if the run has them."""
        tables, shares = findings.tables, findings.record["explained variance"]
        charts = [
            Chart(box_figure(tables["tiles"], tables["summary"]), CAPTIONS["boxes"]),
            Chart(matrix_figure(tables["pairs"]), CAPTIONS["matrices"]),
        ]
        if shares:
            picture = alpha_beta_figure(tables["contrasts"], shares)
            charts.append(Chart(picture, CAPTIONS["alpha beta"], "Alpha and beta"))
        return Section(self.title, TEXT.format(where=findings.where), [*self.summary(findings), *charts])

    def _encode(self, run: LoadedRun, subject: Subject) -> EncodedSubject:
        study = run.prepare(subject)
        maps = {
            label: encode_tiles(
                model,
                study,
                view=run.view,
                modalities=run.recipe.modalities,
                hardware=run.hardware,
                size=self.request.batch,
                most=self.settings.tiles,
                dataset=run.dataset_weights(study),
            )
            for label, model in self.encoders.items()
        }
        return EncodedSubject(maps, study.grid.voxel_size)

    def _maps_of_another_person(self, subject: Subject) -> Mapping[str, Sequence[Maps]]:
        for other in people_before(self.subjects, subject):
            failures = list[Failure]()  # one that cannot be read is listed where it is measured itself
            with listed(failures, other.key):
                return self.encoded(other.key).maps
        return {}

    def _alpha_beta(
        self, run: LoadedRun, voxel_size_mm: tuple[float, float, float]
    ) -> tuple[pd.DataFrame, dict[str, list[float]]]:
        names, (subjects, _) = run.recipe.modalities, run.subjects(self.request.data, "all")
        scans = list_scans(subjects, names, voxel_size_mm)
        learned = read_alpha_beta(run.model, scans, names, self.request.batch) if scans else None
        table, shares = project_alpha_beta(scans, learned) if learned is not None else (pd.DataFrame(), {})
        varies = any(share for part in shares.values() for share in part)  # they may depend on the dataset alone
        return (table, shares) if varies else (pd.DataFrame(), {})


def people_before(subjects: Sequence[Subject], subject: Subject) -> list[Subject]:
    """List the subjects before one that are other people, the nearest first; sessions of one person are none.

    Args:
        subjects: In order.
        subject: One of them.

    Example:
        >>> a, b, c = (Subject(key, "", {}, {}, {}, person=key[0]) for key in ("a", "b_1", "b_2"))
        >>> [one.key for one in people_before([a, b, c], c)]
        ['a']
    """
    before = takewhile(lambda other: other.key != subject.key, subjects)
    person = subject.person or subject.key
    return [other for other in before if (other.person or other.key) != person][::-1]


def _notes(tiles: pd.DataFrame, shares: Mapping[str, Sequence[float]]) -> Iterator[str]:
    yield f"Places: {len(tiles.groupby(['subject', 'tile']))}; subjects: {tiles['subject'].nunique()}."
    if shares:
        parts = ", ".join(f"{part} {number(100 * share[2], 1)} %" for part, share in shares.items())
        yield f"Share of the variance over the cohort's acquisitions that lies between modalities: {parts}."
