"""Syntheses of all runs, treated as each dataset: compared for one subject, and pooled over all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from anysyn.data.volumes.study import Study
from anysyn.evaluation.pairs import Pair
from anysyn.probes.dataset_swap.distances import measure_swaps
from anysyn.probes.dataset_swap.histograms import Histogram, pool, resample_curves
from anysyn.probes.dataset_swap.synthesize import synthesize_as_each
from anysyn.probes.measurement import Measurement
from anysyn.probes.tables import Row
from anysyn.synthesis.loaded_run import LoadedRun

REAL = "real"  # in the place of a method, for curves of the training images
References = Mapping[str, Mapping[str, Histogram]]  # by target and dataset


def compare_runs(
    runs: Mapping[str, LoadedRun], study: Study, pairs: Sequence[Pair], references: References, batch: int
) -> Measurement:
    """Compare the syntheses of all runs for one subject.

    Args:
        runs: By label.
        study: A prepared subject, of a dataset that has all targets.
        pairs: Sources and targets.
        references: Of the real images.
        batch: Slices or patches the network sees at once.

    Returns:
        The rows ``swaps``; and the rows ``histograms``, each with the name of its array, (2, N) bins and counts.
    """
    rows, histograms, arrays = list[Row](), list[Row](), dict[str, Any]()
    for label, run in runs.items():
        for pair, by_dataset in synthesize_as_each(run, study, pairs, references, batch).items():
            about = {"subject": study.key, "sources": "+".join(pair.sources), "target": pair.target, "method": label}
            distances = measure_swaps(study.dataset, by_dataset, references[pair.target])
            rows += [{**about, "dataset": study.dataset, **one} for one in distances]
            for name, histogram in by_dataset.items():
                key = str(len(arrays))
                histograms.append({"method": label, "target": pair.target, "dataset": name, "array": key})
                arrays[key] = np.stack(histogram)
    return Measurement({"swaps": rows, "histograms": histograms}, arrays)


def draw_points(measurements: Sequence[Measurement], references: References) -> pd.DataFrame:
    """Return curves for each target: the real images of each dataset, and all syntheses treated as it.

    Args:
        measurements: What `compare_runs` returned, of each subject.
        references: Of the real images.

    Returns:
        Columns method, target, dataset, intensity and density.
    """
    syntheses: dict[str, dict[tuple[str, str], list[Histogram]]] = defaultdict(lambda: defaultdict(list))
    for one in measurements:
        for row in one.rows["histograms"]:
            syntheses[row["target"]][row["method"], row["dataset"]].append(Histogram(*one.arrays[row["array"]]))
    rows = list[Row]()
    for target in (target for target in references if target in syntheses):
        histograms = {(REAL, name): histogram for name, histogram in references[target].items()}
        histograms |= {key: pool(some) for key, some in syntheses[target].items()}
        for (method, name), intensity, density in resample_curves(histograms):
            rows.append({"method": method, "target": target, "dataset": name}
                        | {"intensity": intensity, "density": density})  # fmt: skip
    return pd.DataFrame(rows)
