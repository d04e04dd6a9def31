"""How the scans of a training were prepared, so that a scan that is handed in later can be prepared alike."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anysyn.data.errors import VolumeError
from anysyn.data.modalities import modality
from anysyn.data.records import Subject
from anysyn.data.volumes.foreground import foreground, has_sharp_rim
from anysyn.data.volumes.volume import Volume, read_volume
from anysyn.files import read_json
from anysyn.scans.brain.mask import BRAIN_ML, volume_ml
from anysyn.scans.person_files import RECORDS
from anysyn.scans.steps import Steps

LOOKED_AT = 3  # subjects: a cohort is prepared as one
SAME_EDGE = 0.05  # relative difference of voxel edges that count as one


def training_study(root: str | Path | None, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Return how the scans of a training were prepared, as its run keeps it in ``study.json``.

    Args:
        root: Its data.
        subjects: Its training subjects.

    Returns:
        ``Steps`` of `anysyn prepare`, or None if something else prepared them; ``BrainExtracted`` and ``VoxelSizeMm``
        by the looks of the first three, None where these differ.
    """
    volumes = [volume for subject in subjects[:LOOKED_AT] if (volume := _first(subject)) is not None]
    extracted = {is_brain_alone(volume, name) for name, volume in volumes}
    edges = np.array([volume.spacing for _, volume in volumes]).ravel()
    same = len(edges) > 0 and np.ptp(edges) <= SAME_EDGE * edges.min()
    return {
        "Steps": _steps(root),
        "BrainExtracted": extracted.pop() if len(extracted) == 1 else None,
        "VoxelSizeMm": round(float(edges.mean()), 3) if same else None,
    }


def steps_like(study: dict[str, Any], to: str | None = None) -> Steps:
    """Return the steps that prepare a scan as the scans of a training were.

    Args:
        study: What `training_study` says.
        to: Modality in whose world a person's scans are brought together.

    Example:
        >>> steps_like({"Steps": None, "BrainExtracted": True, "VoxelSizeMm": 2.0})
        Steps(to=None, brain=True, bias=False, headers=False, spacing=2.0)
    """
    steps = study.get("Steps") or {}
    return Steps(
        to=to,
        brain=bool(steps.get("brain") or study.get("BrainExtracted")),
        bias=bool(steps.get("bias")),
        spacing=steps.get("spacing") or study.get("VoxelSizeMm"),
    )


def is_study(root: Path) -> bool:
    """Tell whether a folder is one that `anysyn prepare` wrote.

    Example:
        >>> is_study(Path("nowhere"))
        False
    """
    return any((root / RECORDS).glob("sub-*.json"))


def _steps(root: str | Path | None) -> dict[str, Any] | None:
    for path in sorted((Path(root or "") / RECORDS).glob("sub-*.json")) if root else ():
        try:
            return dict(read_json(path)["Steps"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def _first(subject: Subject) -> tuple[str, Volume] | None:
    for name, path in subject.images.items():
        if modality(name).family == "MRI":
            try:
                return name, read_volume(path)
            except VolumeError:
                continue
    return None


def is_brain_alone(volume: Volume, name: str) -> bool:
    """Tell by the looks of an MRI whether its skull was removed: a sharp rim, and as much inside as a brain has.

    Args:
        volume: The image.
        name: Its modality.

    Example:
        >>> import torch
        >>> is_brain_alone(Volume(torch.zeros(4, 4, 4), np.eye(4)), "T1w")
        False
    """
    low, high = BRAIN_ML
    inside = foreground(volume.voxels, modality(name).family)
    return has_sharp_rim(volume.voxels) and low <= volume_ml(inside, volume.grid) <= high
