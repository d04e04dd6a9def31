"""Intensity windows of a cohort, for images that have none of their own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from anysyn.data.modalities import modalities
from anysyn.data.volumes.intensity_window import Window, window_of


@dataclass(frozen=True)
class TypicalWindows:
    """Hold the median window of each modality over training subjects.

    A window is the two intensities, in the file's unit, that 0 and 1 of a prepared image stand for.

    Args:
        overall: By modality, over all subjects.
        datasets: By dataset, then by modality.

    Example:
        >>> seen = [("A", {"T1w": (0.0, 800.0)}), ("A", {"T1w": (0.0, 900.0)}), ("B", {"T1w": (0.0, 100.0)})]
        >>> windows = TypicalWindows.learned(seen)
        >>> windows.windows("A")["T1w"], windows.windows("unseen")["T1w"]
        ((0.0, 850.0), (0.0, 800.0))
    """

    overall: Mapping[str, Window] = field(default_factory=dict)
    datasets: Mapping[str, Mapping[str, Window]] = field(default_factory=dict)

    @classmethod
    def learned(cls, seen: Iterable[tuple[str, Mapping[str, Window]]]) -> TypicalWindows:
        """Take the medians.

        Args:
            seen: For each training subject its dataset and its windows by modality.
        """
        subjects = list(seen)
        datasets = sorted({dataset for dataset, _ in subjects})
        return cls(
            _medians(windows for _, windows in subjects),
            {one: _medians(windows for dataset, windows in subjects if dataset == one) for one in datasets},
        )

    def windows(self, dataset: str = "") -> dict[str, Window]:
        """Return a window for each modality that has one: in the dataset, else in all, else in the modality table.

        Args:
            dataset: Name of a dataset, known or not.
        """
        fixed: dict[str, Window] = {one.name: one.window for one in modalities() if one.window is not None}
        return {**fixed, **self.overall, **self.datasets.get(dataset, {})}

    def to_json(self) -> dict[str, Any]:
        """Return plain mappings and lists."""
        return {
            "overall": {name: list(window) for name, window in self.overall.items()},
            "datasets": {one: {name: list(w) for name, w in held.items()} for one, held in self.datasets.items()},
        }

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> TypicalWindows:
        """Read what `to_json` returned.

        Example:
            >>> TypicalWindows.from_json({"overall": {"CT": [-1000, 1000]}, "datasets": {}}).overall
            {'CT': (-1000.0, 1000.0)}
        """
        return cls(_pairs(tree["overall"]), {one: _pairs(held) for one, held in tree["datasets"].items()})


def _medians(windows: Iterable[Mapping[str, Window]]) -> dict[str, Window]:
    held: dict[str, list[Window]] = defaultdict(list)
    for one in windows:
        for name, window in one.items():
            held[name].append(window)
    return _pairs({name: np.median(found, axis=0) for name, found in sorted(held.items())})


def _pairs(windows: Mapping[str, Any]) -> dict[str, Window]:
    return {name: window_of(numbers) for name, numbers in windows.items()}
