"""Typical intensity windows of a cohort, for synthesized images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from anysyn.data.modalities import modalities
from anysyn.data.volumes.intensity_window import Window, window_of


@dataclass(frozen=True)
class TypicalWindows:
    """Median window of each modality over the training subjects.

    A window is the two intensities, in the file's unit, that become 0 and 1 in a prepared image.

    Args:
        overall: Medians over all subjects, by modality.
        datasets: Medians over the subjects of a dataset, by dataset, then by modality.

    Example:
        >>> subjects = [("A", {"T1w": (0.0, 800.0)}), ("A", {"T1w": (0.0, 900.0)}), ("B", {"T1w": (0.0, 100.0)})]
        >>> windows = TypicalWindows.learned(subjects)
        >>> windows.windows("A")["T1w"], windows.windows("unseen")["T1w"]
        ((0.0, 850.0), (0.0, 800.0))
    """

    overall: Mapping[str, Window] = field(default_factory=dict)
    datasets: Mapping[str, Mapping[str, Window]] = field(default_factory=dict)

    @classmethod
    def learned(cls, subjects: Iterable[tuple[str, Mapping[str, Window]]]) -> TypicalWindows:
        """Compute the medians from the dataset of each training subject and its windows by modality."""
        by_dataset: dict[str, list[Mapping[str, Window]]] = defaultdict(list)
        for dataset, windows in subjects:
            by_dataset[dataset].append(windows)
        overall = _medians(windows for each in by_dataset.values() for windows in each)
        return cls(overall, {dataset: _medians(by_dataset[dataset]) for dataset in sorted(by_dataset)})

    def windows(self, dataset: str = "") -> dict[str, Window]:
        """Return the window of each modality: the dataset's, else the overall one, else the modality table's."""
        fixed: dict[str, Window] = {known.name: known.window for known in modalities() if known.window is not None}
        return {**fixed, **self.overall, **self.datasets.get(dataset, {})}

    def to_json(self) -> dict[str, Any]:
        """Return plain mappings and tuples."""
        return asdict(self)

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> TypicalWindows:
        """Read what `to_json` returned.

        Example:
            >>> TypicalWindows.from_json({"overall": {"CT": [-1000, 1000]}, "datasets": {}}).overall
            {'CT': (-1000.0, 1000.0)}
        """
        datasets = {dataset: _windows(windows) for dataset, windows in tree["datasets"].items()}
        return cls(_windows(tree["overall"]), datasets)


def _medians(subjects: Iterable[Mapping[str, Window]]) -> dict[str, Window]:
    by_modality: dict[str, list[Window]] = defaultdict(list)
    for windows in subjects:
        for name, window in windows.items():
            by_modality[name].append(window)
    return _windows({name: np.median(windows, axis=0) for name, windows in sorted(by_modality.items())})


def _windows(windows: Mapping[str, Any]) -> dict[str, Window]:
    return {name: window_of(numbers) for name, numbers in windows.items()}
