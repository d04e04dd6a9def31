"""What the training images of a run look like, by contrast: statistics only, from which nobody can be recognised."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anysyn.suitability.appearance import Appearance

FLOORS = {  # smallest standard deviations: what differs between scanners, even if one scanner made the training images
    "size": 0.08,
    "ends": 0.1,
    "outline": 0.06,
    "silhouette": 0.08,
    "layers": 0.04,
    "histogram": 0.04,
    "texture": 0.05,
    "tail": 0.2,
    "voxel": 0.2,
}
CONTRAST = ("layers", "histogram", "texture", "tail")  # the groups that tell contrasts apart
LATER = ("tail",)  # groups that profiles of earlier versions have not
SHRINKAGE = 0.2  # share of the diagonal in the covariance
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """Statistics of one group of numbers over the training images of a contrast.

    Args:
        mean: (n,)
        sd: (n,), not below the floor of the group.
        low: (n,) smallest values.
        high: (n,) largest values.
        seen: Largest distance of a training image from the others.
    """

    mean: Sequence[float]
    sd: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    seen: float

    def distance(self, values: Array) -> float:
        """Return the root mean square of the deviations, in standard deviations.

        Example:
            >>> Group([1.0, 2.0], [0.5, 0.5], [1.0, 2.0], [1.0, 2.0], 0.0).distance(np.array([1.5, 2.5]))
            1.0
        """
        return _distance(values, np.asarray(self.mean), np.asarray(self.sd))


@dataclass(frozen=True)
class Profile:
    """What the training images of a run look like.

    Args:
        counts: Training images that were measured, by modality.
        groups: Statistics by modality and group of an `Appearance`.
        covariance: (n, n) of what tells contrasts apart, within contrasts and over all of them.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Group]] = field(default_factory=dict)
    covariance: Sequence[Sequence[float]] = ()

    def contrast_distances(self, seen: Appearance) -> dict[str, float]:
        r"""Return how far an image is from the mean of each contrast, by modality.

        This is the Mahalanobis distance :math:`\sqrt{(x-\mu)^T \Sigma^{-1} (x-\mu) / n}` over n numbers, with one
        shrunk covariance for all contrasts (linear discriminant analysis; Ledoit and Wolf, J Multivar Anal 2004).
        """
        inverse = np.linalg.inv(np.asarray(self.covariance))
        distances = {}
        for name, groups in self.groups.items():
            known = [group for group in CONTRAST if group in groups]  # a profile of an earlier version lacks one
            off = contrast_vector(seen, known) - np.concatenate([np.asarray(groups[group].mean) for group in known])
            distances[name] = float(np.sqrt(off @ inverse @ off / len(off)))
        return distances

    def to_json(self) -> dict[str, Any]:
        """Return the profile as it is written."""
        contrasts = {
            name: {"images": self.counts[name], **{group: vars(stats) for group, stats in groups.items()}}
            for name, groups in self.groups.items()
        }
        return {"contrasts": contrasts, "covariance": [list(row) for row in self.covariance]}

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Profile:
        """Read what `to_json` returned.

        Raises:
            KeyError: If it is something else; so are `TypeError` and `ValueError`.
        """
        counts = {name: int(contrast["images"]) for name, contrast in tree["contrasts"].items()}
        groups = {
            name: {group: Group(**contrast[group]) for group in FLOORS if group in contrast or group not in LATER}
            for name, contrast in tree["contrasts"].items()
        }
        return cls(counts, groups, tree["covariance"])


def profile_of(subjects: Iterable[Mapping[str, Appearance]]) -> Profile:
    """Gather the profile of training images.

    Args:
        subjects: What the images of each subject look like, by modality.

    Example:
        >>> import torch
        >>> from anysyn.suitability.appearance import appearance_of
        >>> images = [torch.rand(9, 9, 9) + 1 for _ in range(3)]
        >>> profile = profile_of({"T1w": appearance_of(image, (2.0, 2.0, 2.0))} for image in images)
        >>> profile.counts, Profile.from_json(profile.to_json()) == profile
        ({'T1w': 3}, True)
    """
    images = dict[str, list[Appearance]]()
    for subject in subjects:
        for name, seen in subject.items():
            images.setdefault(name, []).append(seen)
    groups = {
        name: {group: _group(np.stack([each.group(group) for each in seen]), FLOORS[group]) for group in FLOORS}
        for name, seen in images.items()
    }
    counts = {name: len(seen) for name, seen in images.items()}
    return Profile(counts, groups, _rows(_covariance(images.values())) if images else ())


def contrast_vector(seen: Appearance, groups: Sequence[str] = CONTRAST) -> Array:
    """Return what tells contrasts apart as (n,) float64."""
    return np.concatenate([seen.group(group) for group in groups])


def _group(values: Array, floor: float) -> Group:
    """Return the statistics of (images, n) values."""
    sd = np.maximum(values.std(0), floor)
    low, high, mean = values.min(0), values.max(0), values.mean(0)
    mean, sd, low, high = (each.round(5) for each in (mean, sd, low, high))
    seen = round(max(_left_out(values, floor)), 5)
    return Group(mean.tolist(), sd.tolist(), low.tolist(), high.tolist(), seen)


def _left_out(values: Array, floor: float) -> list[float]:
    """Return the distance of each image from the mean of the others; 0 for a single one."""
    if len(values) < 2:
        return [0.0]
    rows = range(len(values))
    others = [np.delete(values, row, 0) for row in rows]
    return [
        _distance(values[row], rest.mean(0), np.maximum(rest.std(0), floor))
        for row, rest in zip(rows, others, strict=True)
    ]


def _covariance(contrasts: Collection[Sequence[Appearance]]) -> Array:
    """Return the shrunk covariance within contrasts, whose variances are not below the floors."""
    vectors = [np.stack([contrast_vector(each) for each in seen]) for seen in contrasts]
    off = np.concatenate([rows - rows.mean(0) for rows in vectors])
    pooled = off.T @ off / max(1, len(off) - len(vectors))
    first = next(iter(contrasts))[0]
    floors = np.concatenate([np.full(len(first.group(group)), FLOORS[group] / 2) for group in CONTRAST])
    return np.asarray((1 - SHRINKAGE) * pooled + np.diag(SHRINKAGE * pooled.diagonal() + floors**2))


def _distance(values: Array, mean: Array, sd: Array) -> float:
    return float(np.sqrt(np.mean(((values - mean) / sd) ** 2)))


def _rows(matrix: Array) -> list[list[float]]:
    return [[round(float(value), 8) for value in row] for row in matrix]
