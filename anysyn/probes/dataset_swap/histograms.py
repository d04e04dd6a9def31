"""Histograms of foreground intensities, and the distance between two of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

WIDTH = 1e-3  # of a bin: rounding moves no voxel by more than half of it, and so no distance by more than all of it
BINS = 60  # of a curve that is drawn
TAIL = 1e-3  # share of the voxels at either end that a curve leaves out
Key = TypeVar("Key", bound=Hashable)


class Histogram(NamedTuple):
    """The bins that hold voxels, in multiples of `WIDTH` and rising, (N,), and how many voxels each, (N,)."""

    bins: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def intensities(self) -> NDArray[np.float64]:
        """Return the middle of each bin, (N,)."""
        return np.asarray(self.bins * WIDTH, dtype=np.float64)

    def quantile(self, share: float) -> float:
        """Return the intensity that this share of the voxels does not exceed.

        Args:
            share: From 0 to 1.

        Example:
            >>> count_intensities([0.1, 0.2, 0.3, 0.9]).quantile(0.75)
            0.3
        """
        reached = np.cumsum(self.counts)
        return float(self.intensities[np.searchsorted(reached, share * reached[-1])])


def count_intensities(intensities: ArrayLike) -> Histogram:
    """Count intensities of any range in bins that are so fine that distances are those of the intensities themselves.

    Args:
        intensities: (N,), at least one.

    Raises:
        ValueError: If there is none, or one is not finite.

    Example:
        >>> count_intensities([0.25, 0.5, 0.25]).counts.tolist()
        [2, 1]
    """
    values = np.asarray(intensities, dtype=np.float64)
    if not values.size or not np.isfinite(values).all():
        raise ValueError("an image without foreground, or with intensities that are not finite, has no histogram")
    bins, counts = np.unique(np.rint(values / WIDTH).astype(np.int64), return_counts=True)
    return Histogram(bins, counts.astype(np.int64))


def pool(histograms: Sequence[Histogram]) -> Histogram:
    """Count the voxels of several images together.

    Args:
        histograms: At least one.

    Example:
        >>> pool([count_intensities([0.25, 0.5]), count_intensities([0.5])]).counts.tolist()
        [1, 2]
    """
    bins, places = np.unique(np.concatenate([one.bins for one in histograms]), return_inverse=True)
    counts = np.zeros(len(bins), dtype=np.int64)
    np.add.at(counts, places, np.concatenate([one.counts for one in histograms]))
    return Histogram(bins, counts)


def wasserstein(first: Histogram, second: Histogram) -> float:
    """Return the Wasserstein-1 distance: how far intensities move, on average, to turn one histogram into the other.

    Args:
        first: Of one image, or of several.
        second: Likewise; the numbers of voxels may differ.

    Returns:
        The area between the two cumulative distributions, in the unit of the intensities.

    Example:
        >>> wasserstein(count_intensities([0.0, 0.5]), count_intensities([0.25, 0.75, 0.25, 0.75]))
        0.25
    """
    return float(stats.wasserstein_distance(first.intensities, second.intensities, first.counts, second.counts))


def resample_curves(histograms: Mapping[Key, Histogram]) -> Iterator[tuple[Key, float, float]]:
    """Count again in a few common bins, so that histograms can be drawn over each other.

    Args:
        histograms: By any key.

    Yields:
        The key, the intensity in the middle of a bin, and the density, the share of all voxels per unit of intensity.

    Example:
        >>> points = list(resample_curves({"A": count_intensities([0.0, 1.0]), "B": count_intensities([0.5])}))
        >>> len(points), points[0][0], round(points[0][2] / BINS, 6)
        (120, 'A', 0.5)
    """
    low = min(one.quantile(TAIL) for one in histograms.values())
    high = max(one.quantile(1 - TAIL) for one in histograms.values())
    edges = np.linspace(low, max(high, low + WIDTH), BINS + 1)
    width = float(edges[1] - edges[0])
    for key, one in histograms.items():
        counts, _ = np.histogram(one.intensities, bins=edges, weights=one.counts)
        for left, count in zip(edges, counts, strict=False):
            yield key, float(left) + width / 2, float(count / one.counts.sum() / width)
