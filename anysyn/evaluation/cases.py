"""Cases: the pairs of each subject, synthesized and measured."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import Tensor

from anysyn.data.records import listed
from anysyn.data.study import Study
from anysyn.data.subjects import Failure, Subject
from anysyn.evaluation.baselines import Baseline
from anysyn.evaluation.degrade import Degradation, brought_back, degraded
from anysyn.evaluation.examples import Example, centre, planes, write_example
from anysyn.evaluation.fit import TrainedRun
from anysyn.evaluation.measure import measure
from anysyn.evaluation.pairs import Pair, by_sources
from anysyn.evaluation.protocols import Protocol
from anysyn.evaluation.tables import MODEL, case_row
from anysyn.evaluation.units import error_in_unit


class Cases:
    """Measure subject by subject; what fails is listed and the rest goes on.

    Args:
        run: The trained run.
        protocol: How to compare.
        baselines: By pair, what stands beside the model.
        batch: Slices or patches the network sees at once.
        examples: Subjects of each pair whose planes are kept.
        folder: Where they are kept.
        degradation: What is done to the sources, but not to the truth; nothing, if None.

    Attributes:
        rows: One for each subject, method and pair.
        failures: Subjects and pairs that could not be measured.
    """

    def __init__(
        self,
        *,
        run: TrainedRun,
        protocol: Protocol,
        baselines: Mapping[Pair, Sequence[Baseline]],
        batch: int,
        examples: int,
        folder: Path,
        degradation: Degradation | None = None,
    ) -> None:
        self.run, self.protocol, self.baselines, self.degradation = run, protocol, baselines, degradation
        self.batch, self.examples, self.folder = batch, examples, folder
        self.rows: list[dict[str, Any]] = []
        self.failures: list[Failure] = []
        self._kept: Counter[Pair] = Counter()

    def add(self, subject: Subject, pairs: Sequence[Pair]) -> None:
        """Measure pairs of one subject; targets with the same sources are synthesized together.

        Args:
            subject: Where the files are.
            pairs: Pairs whose contrasts the subject has.
        """
        if not pairs:
            return
        with listed(self.failures, subject.key):
            study = self.run.prepare(subject)
            for sources, targets in by_sources(pairs).items():
                with listed(self.failures, subject.key, Pair(sources, "+".join(targets))):
                    seen, predicted = self._predict(study, sources, targets)
                    for target in targets:
                        self._measure(seen, Pair(sources, target), predicted[target].float().cpu())

    def _predict(
        self, study: Study, sources: Sequence[str], targets: Sequence[str]
    ) -> tuple[Study, Mapping[str, Tensor]]:
        """Return what there is to be seen on the grid of the truth, and the syntheses there."""
        if self.degradation is None:
            return study, self.run.predict(study, sources, targets, self.batch)
        coarse = degraded(study, sources, self.degradation)
        seen = replace(study, images={**study.images, **brought_back(coarse, study)})
        return seen, self.run.predict(coarse, sources, targets, self.batch, onto=study.grid)

    def _measure(self, study: Study, pair: Pair, predicted: Tensor) -> None:
        with listed(self.failures, study.key, pair):
            images = {MODEL: predicted} | {b.label: b.predict(study) for b in self.baselines[pair]}
            values = {method: self._values(study, pair.target, image) for method, image in images.items()}
            stamp = (self.protocol.name, self.protocol.digest)
            about = (study.key, study.dataset)
            self.rows += [case_row(*about, m, pair.sources, pair.target, stamp, found) for m, found in values.items()]
            if self._kept[pair] < self.examples:
                name = re.sub(r"[^\w.+-]+", "_", f"{pair}_{self._kept[pair]}_{study.key}")
                write_example(self.folder / f"{name}.npz", _example(study, pair, images, values))
                self._kept[pair] += 1

    def _values(self, study: Study, target: str, image: Tensor) -> dict[str, float]:
        truth, mask = study.images[target], study.foreground
        values = measure(image, truth, mask, self.protocol)
        return values | error_in_unit(image, truth, mask, target, study.windows.get(target))


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
