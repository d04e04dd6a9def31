"""The brain mask of a person: on which scan it is segmented, how, and whether it can be one."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from torch import Tensor

from anysyn.data.geometry.grid import Grid
from anysyn.data.modalities import modality
from anysyn.data.volumes.foreground import foreground, has_sharp_rim
from anysyn.scans.brain import network
from anysyn.scans.errors import PreparationError

BEST = ("T1w", "T1c", "FLAIR")  # the network was trained on T1w; it errs most on T2w
BRAIN_ML = (250.0, 2200.0)  # from a newborn's to beyond the largest adult's
SAME = 0.9  # Dice overlap of a brain with the foreground of a scan from which the rest was removed already


@dataclass(frozen=True, kw_only=True)
class BrainMask:
    """A brain mask on the grid of the scan that it was segmented on.

    Args:
        voxels: (X, Y, Z) bool.
        method: How it was made.
        scan: Modality of that scan.
        volume_ml: Its volume.
    """

    voxels: Tensor
    method: str
    scan: str
    volume_ml: float

    def record(self) -> dict[str, Any]:
        """Return what a sidecar says of it."""
        return {"Method": self.method, "SegmentedOn": self.scan, "VolumeMl": round(self.volume_ml, 1)}


def segmented_on(names: Collection[str], reference: str) -> str:
    """Return the scan on which the brain is segmented: T1w, T1c or else the reference.

    Example:
        >>> segmented_on(["T2w", "T1w"], "T2w"), segmented_on(["T2w", "FLAIR"], "FLAIR")
        ('T1w', 'FLAIR')
    """
    return next((name for name in BEST if name in names), reference)


def brain_mask(image: Tensor, grid: Grid, name: str) -> BrainMask:
    """Segment the brain on a scan; one whose skull was removed already keeps its own outline.

    Args:
        image: (X, Y, Z) float32.
        grid: Its grid.
        name: Its modality.

    Raises:
        PreparationError: If the extra is not there, the scan is no MRI, or what is found is no brain by its volume.
    """
    if modality(name).family != "MRI":
        raise PreparationError(f"a brain is segmented on MRI, and there is only {name}; leave brain extraction out")
    brain = network.segment(image, grid.affine)
    method = f"{network.NAME} {version(network.NAME)}"
    own = foreground(image)
    if has_sharp_rim(image) and dice(own, brain) >= SAME:
        brain, method = own, "the scan's own outline: it was brain-extracted before"
    millilitres = volume_ml(brain, grid)
    low, high = BRAIN_ML
    if not low <= millilitres <= high:
        raise PreparationError(
            f"what {network.NAME} finds on {name} has {millilitres:.0f} ml, and a brain {low:g} to {high:g}; "
            "leave brain extraction out, or leave the scan out"
        )
    return BrainMask(voxels=brain, method=method, scan=name, volume_ml=millilitres)


def dice(a: Tensor, b: Tensor) -> float:
    """Return the Dice overlap of two masks.

    Example:
        >>> import torch
        >>> dice(torch.tensor([True, True, False]), torch.tensor([True, False, False])) == 2 / 3
        True
    """
    return 2 * float((a & b).sum()) / max(1.0, float(a.sum() + b.sum()))


def volume_ml(mask: Tensor, grid: Grid) -> float:
    """Return the volume of a mask in ml.

    Example:
        >>> import numpy as np, torch
        >>> volume_ml(torch.ones(10, 10, 10), Grid((10, 10, 10), np.eye(4)))
        1.0
    """
    return float(mask.sum()) * math.prod(grid.spacing) / 1000
