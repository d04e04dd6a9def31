"""Regions of the brain whose PET uptake differs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anysyn.simulation.anatomy.warp import Map
from anysyn.simulation.constants import read_table


def pattern(brain: NDArray[np.bool_], kind: str, spread: float = 0, draw: np.random.Generator | None = None) -> Map:
    """Return by how much the regions of regions.yaml change the uptake: a sum of Gaussians, 0 far from all regions.

    Places are relative to the box round the brain, since a label map lies in no common space.

    Args:
        brain: (X, Y, Z), axes to the right, to the front and upwards.
        kind: ``"fdg"``, ``"disease"`` or ``"amyloid"``.
        spread: Standard deviation of a person's own addition to the change of each region.
        draw: Draws the additions; with None there are none.

    Returns:
        (X, Y, Z) changes, as shares of the uptake.

    Example:
        >>> shares = pattern(np.ones((20, 24, 20), dtype=bool), "amyloid")
        >>> bool(shares[3, 4, 1] < -0.5), bool(shares[10, 6, 14] > 0.1)  # cerebellum, precuneus
        (True, True)
    """
    x, y, z = box_places(brain)
    total = np.zeros(brain.shape, dtype=np.float32)
    table = read_table("regions.yaml")
    more = np.zeros(len(table)) if draw is None else draw.normal(0, spread, len(table))
    for entry, own in zip(table.values(), more, strict=True):
        near = [
            np.exp(-(((np.abs(place) if axis == 0 else place) - at) ** 2) / (2 * float(entry["radius"]) ** 2))
            for axis, (place, at) in enumerate(zip((x, y, z), entry["at"], strict=True))
        ]
        total += np.float32(entry[kind] + own) * (near[0] * near[1] * near[2])
    return total


def box_places(brain: NDArray[np.bool_]) -> tuple[Map, Map, Map]:
    """Return the three coordinates in the box round the brain, -1 to 1, each along its axis.

    Example:
        >>> [axis.ravel()[[0, -1]].tolist() for axis in box_places(np.ones((3, 5, 9), dtype=bool))]
        [[-1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0]]
    """
    places = []
    for axis, length in enumerate(brain.shape):
        inside = np.flatnonzero(brain.any(axis=tuple({0, 1, 2} - {axis})))
        low, high = float(inside[0]), float(inside[-1])
        place = (2 * np.arange(length, dtype=np.float32) - low - high) / max(high - low, 1.0)
        places.append(place.astype(np.float32).reshape([-1 if a == axis else 1 for a in range(3)]))
    return places[0], places[1], places[2]
