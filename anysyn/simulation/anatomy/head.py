"""A head: everything of a subject that its images follow from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anysyn.simulation.anatomy.anatomy import Anatomy
from anysyn.simulation.anatomy.traits import Traits

Map = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Head:
    """Hold what of a subject decides its images.

    Args:
        anatomy: Its tissues.
        second: (X, Y, Z) float32, a texture of T2, independent of that of T1.
        factors: By tissue, what this subject's relaxation times are multiplied by.
        spacing: Voxel size in mm.
        whole: Whether the head is there beside the brain; then air has noise, and nothing is cut out.
        traits: What sets its CT and PET apart.
    """

    anatomy: Anatomy
    second: Map
    factors: Mapping[str, float]
    spacing: float
    whole: bool
    traits: Traits = field(default_factory=Traits)
