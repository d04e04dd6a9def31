"""Cases: every pair of every subject, synthesized and measured."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from anysyn.data.prepare import Resample
from anysyn.data.records import Failure, Subject, listed
from anysyn.data.volumes.study import Study
from anysyn.evaluation.baselines.voxelwise import Baseline
from anysyn.evaluation.degradation.corruptions import Corruption, corrupted, input_psnr
from anysyn.evaluation.degradation.thick_slices import Degradation, brought_back, degraded
from anysyn.evaluation.examples import Example, centre, planes, write_example
from anysyn.evaluation.lesion_masks import bone_of, lesion_of
from anysyn.evaluation.metrics.measure import error_in_unit, measure
from anysyn.evaluation.metrics.protocol import Protocol
from anysyn.evaluation.pairs import Pair, by_sources
from anysyn.evaluation.preparation import prepare_for
from anysyn.evaluation.results_folder import example_name
from anysyn.evaluation.tables.cases_table import MODEL, case_row
from anysyn.evaluation.timing import timed
from anysyn.synthesis.loaded_run import LoadedRun


class Image(NamedTuple):
    """A synthesis (X, Y, Z), and the seconds that it took; NaN if nobody looked at the clock."""

    voxels: Tensor
    seconds: float = math.nan


class Masks(NamedTuple):
    """Masks of a subject that a protocol needs, (X, Y, Z) bool; None where it needs or has none."""

    lesion: Tensor | None = None
    bone: Tensor | None = None


@dataclass(kw_only=True)
class Cases:
    """Measurements of subjects, one by one; a failure is listed and the others are measured.

    Args:
        run: The trained run.
        protocol: How images are compared.
        baselines: By pair, the baselines of the model.
        batch: Slices or patches that go through the network at once.
        examples: By subject and pair, the number of the example; planes are written of these alone.
        folder: Folder of the planes.
        degradation: Thick slices of the sources; none by default. The truth stays as it is.
        corruption: Corruption of the sources, before the degradation; none by default.
        seed: Seed of the corruption.
        timed: Whether the cases have a column ``seconds`` in any case; a protocol may have that metric of its own.
        rows: A row for each subject, method and pair.
        inputs: A row for each subject and source that was degraded or corrupted: the quality that is left.
        failures: Subjects and pairs that could not be measured.
        notes: Lines about images that were left out because no pair needs them.
    """

    run: LoadedRun
    protocol: Protocol
    baselines: Mapping[Pair, Sequence[Baseline]]
    batch: int
    examples: Mapping[tuple[str, Pair], int]
    folder: Path
    degradation: Degradation | None = None
    corruption: Corruption | None = None
    seed: int = 0
    timed: bool = False
    rows: list[dict[str, Any]] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, subject: Subject, pairs: Sequence[Pair]) -> None:
        """Measure pairs that a subject has the contrasts of; targets of the same sources are synthesized together."""
        if not pairs:
            return
        with listed(self.failures, subject.key):
            study, notes = prepare_for(self.run, subject, pairs)
            self.notes += notes
            masks = Masks(
                lesion_of(subject, study) if self.protocol.reads_lesion else None,
                bone_of(subject, study) if self.protocol.reads_bone else None,
            )
            noted = set[str]()  # sources whose quality is in `inputs`
            for sources, targets in by_sources(pairs).items():
                with listed(self.failures, subject.key, Pair(sources, "+".join(targets))):
                    (seen, predicted), took = self._clocked(partial(self._predict, study, sources, targets))
                    self._note_inputs(study, seen, [name for name in sources if name not in noted], masks)
                    noted |= set(sources)
                    for target in targets:
                        image = Image(predicted[target].float().cpu(), took / len(targets))
                        self._measure(seen, Pair(sources, target), image, masks)

    def _predict(
        self, study: Study, sources: Sequence[str], targets: Sequence[str]
    ) -> tuple[Study, Mapping[str, Tensor]]:
        """Return the study with the sources that the network got, on the grid of the truth, and the syntheses there."""
        seen = study if self.corruption is None else corrupted(study, sources, self.corruption, seed=self.seed)
        if self.degradation is None:
            return seen, self.run.predict(seen, sources, targets, self.batch)
        coarse = degraded(seen, sources, self.degradation)
        seen = replace(study, images={**study.images, **brought_back(coarse, study)})
        for step in (step for step in self.run.pipeline.steps if isinstance(step, Resample)):
            coarse, _ = step.forward(coarse)  # as the preparation would do with a scan of such voxels
        return seen, self.run.predict(coarse, sources, targets, self.batch, onto=study.grid)

    def _clocked(self, work: Callable[[], Any]) -> tuple[Any, float]:
        clocked = self.timed or self.protocol.reads_clock
        return timed(work, self.run.hardware.device) if clocked else (work(), math.nan)

    def _note_inputs(self, study: Study, seen: Study, sources: Sequence[str], masks: Masks) -> None:
        for name in sources if seen is not study else ():
            shown, clean = seen.images[name], study.images[name]
            about = {"subject": study.key, "dataset": study.dataset, "modality": name}
            about |= {"protocol": self.protocol.name, "digest": self.protocol.digest}
            values = self._values(study, name, Image(shown), masks) if self.protocol.suits(name) else {}
            self.inputs.append({**about, "input_psnr": input_psnr(shown, clean, study.foreground), **values})

    def _measure(self, study: Study, pair: Pair, predicted: Image, masks: Masks) -> None:
        with listed(self.failures, study.key, pair):
            simple = {b.label: self._clocked(partial(b.predict, study)) for b in self.baselines[pair]}
            images = {MODEL: predicted} | {label: Image(*answer) for label, answer in simple.items()}
            values = {method: self._values(study, pair.target, image, masks) for method, image in images.items()}
            stamp, key, dataset = (self.protocol.name, self.protocol.digest), study.key, study.dataset
            self.rows += [case_row(key, dataset, m, pair.sources, pair.target, stamp, row) for m, row in values.items()]
            if (study.key, pair) in self.examples:
                shown = {method: image.voxels for method, image in images.items()}
                name = example_name(study.key, pair, self.examples[study.key, pair])
                write_example(self.folder / name, _example(study, pair, shown, values))

    def _values(self, study: Study, target: str, image: Image, masks: Masks) -> dict[str, float]:
        truth, mask, window = study.images[target], study.foreground, study.windows.get(target)
        known: dict[str, Any] = {**masks._asdict(), "window": window, "spacing": study.grid.spacing}
        values = measure(image.voxels, truth, mask, self.protocol, seconds=image.seconds, **known)
        values |= {"seconds": image.seconds} if self.timed else {}
        return values | error_in_unit(image.voxels, truth, mask, target, window)


class SubjectCases(NamedTuple):
    """The cases of one subject: rows, the quality of its sources, what failed, and notes."""

    rows: list[dict[str, Any]]
    inputs: list[dict[str, Any]]
    failures: list[Failure]
    notes: list[str]


def measure_subject(
    run: LoadedRun, pairs: Sequence[Pair], options: Mapping[str, Any], subject: Subject
) -> SubjectCases:
    """Measure the pairs whose contrasts a subject has; the options are further arguments of `Cases`."""
    cases = Cases(run=run, **options)
    cases.add(subject, [pair for pair in pairs if pair.within(subject.images)])
    return SubjectCases(cases.rows, cases.inputs, cases.failures, cases.notes)


def together(parts: Iterable[SubjectCases]) -> SubjectCases:
    """Return the cases of several subjects as those of one."""
    gathered = SubjectCases([], [], [], [])
    for part in parts:
        gathered.rows.extend(part.rows)
        gathered.inputs.extend(part.inputs)
        gathered.failures.extend(part.failures)
        gathered.notes.extend(part.notes)
    return gathered


def numbered_examples(subjects: Sequence[Subject], pairs: Sequence[Pair], count: int) -> dict[tuple[str, Pair], int]:
    """Choose the first ``count`` subjects of each pair as examples: by subject and pair, the number of the example.

    Example:
        >>> subjects = [Subject(key, "", dict.fromkeys(["T1w", "T2w"]), {}, {}) for key in ("a", "b", "c")]
        >>> list(numbered_examples(subjects, [Pair(("T1w",), "T2w")], 2).values())
        [0, 1]
    """
    able = {pair: [one.key for one in subjects if pair.within(one.images)] for pair in pairs}
    return {(key, pair): number for pair, keys in able.items() for number, key in enumerate(keys[:count])}


def _example(
    study: Study, pair: Pair, images: Mapping[str, Tensor], values: Mapping[str, Mapping[str, float]]
) -> Example:
    at = centre(study.foreground)
    return Example(
        subject=study.key,
        dataset=study.dataset,
        target=pair.target,
        spacing=study.grid.spacing,
        sources={name: planes(study.images[name], at) for name in pair.sources},
        truth=planes(study.images[pair.target], at),
        mask=planes(study.foreground, at),
        predictions={method: planes(image, at) for method, image in images.items()},
        values=values,
    )
