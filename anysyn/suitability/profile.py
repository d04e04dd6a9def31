"""What the training images of a run look like, by contrast: statistics only, from which nobody can be recognised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

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
SHRINKAGE = 0.2  # share of the diagonal in a covariance
OWN = 0.5  # share of a contrast's own covariance, the rest is that of all contrasts
RARE = 0.01  # share of images like the training's that lie beyond a group's limit: five in a hundred over all groups
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
        limit: Distance that one in a hundred images of the same kind exceeds; 0 in a profile of an earlier version.
    """

    mean: Sequence[float]
    sd: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    seen: float
    limit: float = 0.0

    def distance(self, values: Array) -> float:
        """Return the root mean square of the deviations, in standard deviations.

        Example:
            >>> Group([1.0, 2.0], [0.5, 0.5], [1.0, 2.0], [1.0, 2.0], 0.0).distance(np.array([1.5, 2.5]))
            1.0
        """
        return _distance(values, np.asarray(self.mean), np.asarray(self.sd))


@dataclass(frozen=True)
class Spread:
    """Where the images of a contrast lie among the numbers that tell contrasts apart, and how far they spread.

    Args:
        mean: (n,)
        covariance: (n, n)
    """

    mean: Sequence[float]
    covariance: Sequence[Sequence[float]]

    def distance(self, values: Array) -> float:
        r"""Return the Mahalanobis distance :math:`\sqrt{(x-\mu)^T \Sigma^{-1} (x-\mu) / n}`.

        Example:
            >>> Spread([1.0, 2.0], [[0.25, 0.0], [0.0, 0.25]]).distance(np.array([1.5, 2.5]))
            1.0
        """
        off = values - np.asarray(self.mean)
        return float(np.sqrt(off @ np.linalg.solve(np.asarray(self.covariance), off) / len(off)))


@dataclass(frozen=True)
class Profile:
    """What the training images of a run look like.

    Args:
        counts: Training images that were measured, by modality.
        groups: Statistics by modality and group of an `Appearance`.
        spreads: What tells contrasts apart, by modality.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    groups: Mapping[str, Mapping[str, Group]] = field(default_factory=dict)
    spreads: Mapping[str, Spread] = field(default_factory=dict)

    def contrast_distances(self, seen: Appearance) -> dict[str, float]:
        """Return how far an image is from each contrast, by modality."""
        distances = {}
        for name, groups in self.groups.items():
            known = [group for group in CONTRAST if group in groups]  # a profile of an earlier version lacks one
            distances[name] = self.spreads[name].distance(contrast_vector(seen, known))
        return distances

    def to_json(self) -> dict[str, Any]:
        """Return the profile as it is written."""
        return {
            "contrasts": {
                name: {
                    "images": self.counts[name],
                    **{group: vars(stats) for group, stats in groups.items()},
                    "spread": vars(self.spreads[name]),
                }
                for name, groups in self.groups.items()
            }
        }

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
        spreads = {
            name: Spread(**contrast["spread"]) if "spread" in contrast else _earlier(groups[name], tree["covariance"])
            for name, contrast in tree["contrasts"].items()
        }
        return cls(counts, groups, spreads)


def profile_of(subjects: Iterable[Mapping[str, Sequence[Appearance]]]) -> Profile:
    """Gather the profile of training images.

    Args:
        subjects: What the images of each subject look like, by modality: as they are, and then as a user's resampling
            might leave them. The latter count only in how far contrasts spread.

    Example:
        >>> import torch
        >>> from anysyn.suitability.appearance import appearance_of
        >>> images = [torch.rand(9, 9, 9) + 1 for _ in range(3)]
        >>> profile = profile_of({"T1w": [appearance_of(image, (2.0, 2.0, 2.0))]} for image in images)
        >>> profile.counts, Profile.from_json(profile.to_json()) == profile
        ({'T1w': 3}, True)
    """
    images = dict[str, list[Sequence[Appearance]]]()
    for subject in subjects:
        for name, seen in subject.items():
            images.setdefault(name, []).append(seen)
    groups = {
        name: {group: _group(np.stack([first.group(group) for first, *_ in seen]), FLOORS[group]) for group in FLOORS}
        for name, seen in images.items()
    }
    counts = {name: len(seen) for name, seen in images.items()}
    return Profile(counts, groups, _spreads(images))


def contrast_vector(seen: Appearance, groups: Sequence[str] = CONTRAST) -> Array:
    """Return what tells contrasts apart as (n,) float64."""
    return np.concatenate([seen.group(group) for group in groups])


def _group(values: Array, floor: float) -> Group:
    """Return the statistics of (images, n) values."""
    sd = np.maximum(values.std(0), floor)
    low, high, mean = values.min(0), values.max(0), values.mean(0)
    mean, sd, low, high = (each.round(5) for each in (mean, sd, low, high))
    distances = _left_out(values, floor)
    return Group(
        mean.tolist(), sd.tolist(), low.tolist(), high.tolist(), round(max(distances), 5), round(_limit(distances), 5)
    )


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


def _limit(distances: Sequence[float]) -> float:
    r"""Return the distance that a further image exceeds with a chance of `RARE`, if logarithms are normal.

    With mean :math:`m` and standard deviation :math:`s` of the n logarithms:
    :math:`\exp(m + t_{n-1} s \sqrt{1 + 1/n})`, the upper end of a prediction interval; 0 for fewer than three.
    """
    logarithms = np.log(np.maximum(distances, 1e-6))
    count = len(logarithms)
    if count < 3:
        return 0.0
    reach = stdtrit(count - 1, 1 - RARE) * logarithms.std(ddof=1) * np.sqrt(1 + 1 / count)
    return float(np.exp(logarithms.mean() + reach))


def _spreads(images: Mapping[str, Sequence[Sequence[Appearance]]]) -> dict[str, Spread]:
    r"""Return the spread of each contrast, its covariance halfway between its own and that of all contrasts.

    This is regularised discriminant analysis (Friedman, J Am Stat Assoc 1989): one T1c shows its vessels far more
    than another, while T1w are alike. The variances are not below the floors.
    """
    if not images:
        return {}
    vectors = {
        name: np.stack([contrast_vector(each) for versions in seen for each in versions])
        for name, seen in images.items()
    }
    off = {name: rows - rows.mean(0) for name, rows in vectors.items()}
    together = np.concatenate([*off.values()])
    pooled = together.T @ together / max(1, len(together) - len(off))
    covariances = {name: (1 - OWN) * pooled + OWN * rows.T @ rows / max(1, len(rows) - 1) for name, rows in off.items()}
    one = next(iter(images.values()))[0][0]
    floors = np.concatenate([np.full(len(one.group(group)), FLOORS[group] / 2) for group in CONTRAST])
    return {
        name: Spread(
            vectors[name].mean(0).round(5).tolist(),
            _rows((1 - SHRINKAGE) * covariance + np.diag(SHRINKAGE * covariance.diagonal() + floors**2)),
        )
        for name, covariance in covariances.items()
    }


def _earlier(groups: Mapping[str, Group], covariance: Sequence[Sequence[float]]) -> Spread:
    """Return the spread of a profile that an earlier version wrote, with one covariance for all contrasts."""
    return Spread([value for group in CONTRAST if group in groups for value in groups[group].mean], covariance)


def _distance(values: Array, mean: Array, sd: Array) -> float:
    return float(np.sqrt(np.mean(((values - mean) / sd) ** 2)))


def _rows(matrix: Array) -> list[list[float]]:
    return [[round(float(value), 8) for value in row] for row in matrix]
