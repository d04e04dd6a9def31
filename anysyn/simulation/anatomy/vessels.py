"""Vessels and the choroid plexus, which enhance in a healthy brain: T1w with gadolinium differs from T1w without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import ndimage

from anysyn.simulation.anatomy.anatomy import Anatomy
from anysyn.simulation.anatomy.warp import Map, smooth_field

APART_MM = 6.0  # length over which the fields change whose common zeros are the vessels
RADIUS_MM = 1.0
FULLEST = 0.6  # share of a voxel that vessels fill at most
PLEXUS_DEPTH_MM = 20.0  # fluid deeper than this is that of the ventricles
PLEXUS = 0.6  # share of a voxel that the plexus fills at most


def with_vessels(anatomy: Anatomy, spacing: float, generator: np.random.Generator) -> Anatomy:
    """Add vessels to the cortex and the sulci, and the choroid plexus to the ventricles.

    The vessels are where two random fields are both about zero: lines, ``0.16 / APART_MM^2`` mm of them in each
    mm^3. The plexus is where one field is: sheets. On coarse voxels both are drawn wider and fainter in proportion, so
    that the amount of blood does not depend on the voxel size.

    Args:
        anatomy: Of the subject, without lesions.
        spacing: Voxel size in mm.
        generator: Draws the fields.
    """
    fractions = anatomy.fractions
    first, second, third = (smooth_field(anatomy.shape, APART_MM / spacing, generator) for _ in range(3))
    depth = ndimage.distance_transform_edt(anatomy.brain) * spacing
    outer = fractions["grey"] + fractions["fluid"] * (depth < PLEXUS_DEPTH_MM)
    inner = fractions["fluid"] * (depth >= PLEXUS_DEPTH_MM)
    amounts = {
        "vein": FULLEST * outer * _near_zero(spacing, first, second),
        "choroid": PLEXUS * inner * _near_zero(spacing, third),
    }
    whole = np.maximum(np.sum(list(fractions.values()), axis=0), 1e-6)  # less than 1 where the brain ends
    left = 1 - sum(amounts.values()) / whole
    tissues = {name: np.asarray(part * left, dtype=np.float32) for name, part in fractions.items()}
    added = {name: np.asarray(tissues.get(name, 0) + amount, dtype=np.float32) for name, amount in amounts.items()}
    return replace(anatomy, fractions=tissues | added)


def _near_zero(spacing: float, *fields: Map) -> Map:
    # Near its zeros such a field grows by 1 / (sqrt(2) APART_MM) in a mm; voxels cannot show less than half of one.
    radius = max(RADIUS_MM, spacing / 2)
    width = radius / (np.sqrt(2) * APART_MM)
    squared = np.sum([field**2 for field in fields], axis=0)
    share = (RADIUS_MM / radius) ** len(fields)  # as wide as this in as many directions as there are fields
    return np.asarray(share * np.exp(-squared / (2 * width**2)), dtype=np.float32)
