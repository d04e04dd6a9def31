"""Which of several series of one contrast is used."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from anysyn.data.records import Failure
from anysyn.data.subjects.names.recognised import Recognised
from anysyn.scans.dicom.headers import SourceSeries
from anysyn.scans.dicom.one_volume import OneVolume


@dataclass(frozen=True, eq=False)
class Candidate:
    """A converted series, and the contrast that it was recognised as."""

    series: SourceSeries
    seen: OneVolume
    recognised: Recognised

    @property
    def voxel_volume(self) -> float:
        """Return the volume of a voxel in mm^3."""
        return round(abs(float(np.linalg.det(self.seen.volume.affine[:3, :3]))), 4)

    @property
    def rank(self) -> tuple[float, ...]:
        """Return what is compared: plainness of the name, size of the voxels, field of view, number of the series."""
        voxels = math.prod(self.seen.volume.voxels.shape)
        return (self.recognised.extra, self.voxel_volume, -voxels, self.series.number)


def plainest(
    candidates: Iterable[Candidate], labels: Mapping[SourceSeries, tuple[str, str | None]]
) -> tuple[list[Candidate], list[Failure]]:
    """Return one series of each contrast of each examination, and the others with the reason.

    The one with the plainest name is used; of equally plain ones that with the smallest voxels, then the largest field
    of view, then the first.
    """
    groups: dict[tuple[object, ...], list[Candidate]] = {}
    for one in candidates:
        groups.setdefault((labels[one.series], one.recognised.name), []).append(one)
    kept, left_out = list[Candidate](), list[Failure]()
    for (_, name), group in groups.items():
        first, *others = sorted(group, key=lambda one: one.rank)
        kept.append(first)
        left_out += [
            Failure(
                labels[other.series][0],
                None,
                f"{other.series}: is {name} as {first.series} is, which {_better(first, other)}",
                modality=str(name),
            )
            for other in others
        ]
    return kept, left_out


def _better(first: Candidate, other: Candidate) -> str:
    ways = ("has the plainer name", "has the smaller voxels", "covers more", "was numbered before it")
    pairs = zip(ways, first.rank, other.rank, strict=True)
    return next((way for way, mine, its in pairs if mine != its), "comes before it")
