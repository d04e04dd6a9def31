"""The Fréchet distance of two sets of features, which FID is of Inception's."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigvals


def frechet_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Compare two sets of features as if both were Gaussian (Heusel et al. 2017).

    ``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2))``, the covariances divided by N - 1. Small sets have a larger distance
    than large ones of the same kind, so compare sets of the same size alone.

    Args:
        first: (N, D) features, such as those of real slices.
        second: (M, D) features of syntheses, by the same network.

    Returns:
        The distance, at least 0.

    Raises:
        ValueError: If a set has fewer than two rows, or they differ in D.

    Example:
        >>> points = np.eye(3)
        >>> round(frechet_distance(points, points + 1), 6)
        3.0
    """
    sets = [np.asarray(one, dtype=np.float64) for one in (first, second)]
    if any(one.ndim != 2 or len(one) < 2 for one in sets) or sets[0].shape[1] != sets[1].shape[1]:
        shapes = " and ".join(str(one.shape) for one in sets)
        raise ValueError(f"features of shapes {shapes}: give two sets (N, D) of at least two rows and the same D")
    (m1, c1), (m2, c2) = (_moments(one) for one in sets)
    # The trace of the square root is the sum of the roots of the eigenvalues, which are real and not negative.
    root = np.sqrt(np.clip(eigvals(c1 @ c2).real, 0, None)).sum()
    return float(max(0.0, ((m1 - m2) ** 2).sum() + np.trace(c1) + np.trace(c2) - 2 * root))


def _moments(features: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return features.mean(0), np.atleast_2d(np.cov(features, rowvar=False))
