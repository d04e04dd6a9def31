"""A simulated head: all that its images depend on."""

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
    """Tissues, textures and traits of a subject, on which its images depend.

    Args:
        anatomy: Its tissues.
        second: (X, Y, Z) float32, a texture of T2, independent of that of T1.
        factors: By tissue, the factor of this subject's relaxation times.
        spacing: Voxel size in mm.
        whole: Whether there is a whole head, not the brain alone; then nothing is cut out and the air has noise.
        traits: What its CT and PET alone depend on.
    """

    anatomy: Anatomy
    second: Map
    factors: Mapping[str, float]
    spacing: float
    whole: bool
    traits: Traits = field(default_factory=Traits)
