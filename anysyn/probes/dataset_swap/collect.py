"""Swapped: runs asked for one subject after the other as coming from each dataset, and what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from anysyn.data.volumes.study import Study
from anysyn.evaluation.pairs import Pair
from anysyn.probes.dataset_swap.distances import ABOUT, DISTANCES, swaps
from anysyn.probes.dataset_swap.histograms import Histogram, curves, pooled
from anysyn.probes.dataset_swap.synthesize import answers
from anysyn.synthesis.loaded_run import LoadedRun

REAL = "real"  # in the place of a method, where a curve is of the training images
CURVES = ("method", "target", "dataset", "intensity", "density")


class Swapped:
    """Compare the syntheses of runs as of each dataset, subject by subject.

    Args:
        runs: By label.
        references: By target and dataset, what real images hold.
        batch: Slices or patches the network sees at once.
    """

    def __init__(
        self, runs: Mapping[str, LoadedRun], references: Mapping[str, Mapping[str, Histogram]], batch: int
    ) -> None:
        self.runs, self.references, self.batch = runs, references, batch
        self._rows: list[dict[str, Any]] = []
        self._seen: dict[tuple[str, str, str], list[Histogram]] = defaultdict(list)

    def add(self, study: Study, pairs: Sequence[Pair]) -> None:
        """Ask all runs for the targets of a prepared subject; if one fails, nothing of the subject counts.

        Args:
            study: Of a dataset that has all targets.
            pairs: What is shown and asked for.
        """
        found = {label: answers(run, study, pairs, self.references, self.batch) for label, run in self.runs.items()}
        every = [(label, pair, held) for label, one in found.items() for pair, held in one.items()]
        for label, pair, held in every:
            about = {"subject": study.key, "sources": "+".join(pair.sources), "target": pair.target, "method": label}
            about |= {"dataset": study.dataset}
            self._rows += [about | one for one in swaps(study.dataset, held, self.references[pair.target])]
            for name, one in held.items():
                self._seen[label, pair.target, name].append(one)

    @property
    def rows(self) -> pd.DataFrame:
        """Return a row for each comparison, by target in the order of the recipe: columns `ABOUT` and `DISTANCES`."""
        order = list(self.references)
        rows = sorted(self._rows, key=lambda row: (order.index(row["target"]), row["dataset"], row["to"]))
        return pd.DataFrame(rows, columns=[*ABOUT, *DISTANCES])

    @property
    def curves(self) -> pd.DataFrame:
        """Return, for each target that was asked for, the real images of each dataset and all syntheses as of it."""
        rows = list[dict[str, Any]]()
        asked = {target for _, target, _ in self._seen}
        for target in (target for target in self.references if target in asked):
            held = {(REAL, name): one for name, one in self.references[target].items()}
            held |= {(label, name): pooled(ones) for (label, of, name), ones in self._seen.items() if of == target}
            for point in curves(held):
                method, name = point.pop("key")
                rows.append({"method": method, "target": target, "dataset": name, **point})
        return pd.DataFrame(rows, columns=list(CURVES))
