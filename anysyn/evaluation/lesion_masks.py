"""Regions: what a downstream segmenter looks for, and where the masks of a subject say that it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from anysyn.data.errors import VolumeError
from anysyn.data.geometry.grid import Grid, resample
from anysyn.data.records import Subject
from anysyn.data.volumes.nifti import read_nifti
from anysyn.data.volumes.study import Study

LABEL_MAP = "seg"  # as BraTS names the one file that holds all of a tumour
LABELS = {"core": (1,), "oedema": (2,), "rim": (3, 4)}  # BraTS calls the rim 4, since 2023 3
MOST = 0.9  # of the subjects have to have a modality, so that it is shown to the segmenter


@dataclass(frozen=True, eq=False)
class Task:
    """Name what one segmenter looks for.

    Args:
        name: Of the task.
        regions: By name, the masks that a region is the union of.
    """

    name: str
    regions: Mapping[str, tuple[str, ...]]

    @property
    def masks(self) -> set[str]:
        """Return the masks that a subject needs."""
        return {name for names in self.regions.values() for name in names}

    def known_of(self, subject: Subject) -> bool:
        """Tell whether the masks of a subject say where the regions are."""
        held = set(subject.masks)
        return self.masks <= held or (LABEL_MAP in held and self.masks <= LABELS.keys())

    def able(self, subject: Subject, inputs: Collection[str]) -> bool:
        """Tell whether a subject has the masks and all modalities that a segmenter is shown."""
        return self.known_of(subject) and set(inputs) <= set(subject.images)


TASKS = (
    Task(
        "glioma",
        {
            "whole tumour": ("core", "rim", "oedema"),
            "tumour core": ("core", "rim"),
            "enhancing tumour": ("rim",),
        },
    ),
    Task("infarct", {"infarct": ("infarct",)}),
)


def truth_of(subject: Subject, study: Study, task: Task) -> Tensor:
    """Read the regions of a subject onto the grid of its prepared images.

    Args:
        subject: Whose masks say where the regions are.
        study: Its prepared images.
        task: What is looked for.

    Returns:
        (R, X, Y, Z) bool.

    Raises:
        VolumeError: If a mask cannot be used, or the label map holds other labels than those of BraTS.
    """
    parts = {name: _part(subject, name, study.grid) for name in sorted(task.masks)}
    united = [torch.stack([parts[name] for name in names]).any(0) for names in task.regions.values()]
    return torch.stack(united)  # (R, X, Y, Z)


def lesion_of(subject: Subject, study: Study) -> Tensor:
    """Read all that the masks of a subject call a lesion onto the grid of its prepared images.

    Args:
        subject: Whose masks say where it is.
        study: Its prepared images.

    Returns:
        (X, Y, Z) bool.

    Raises:
        VolumeError: If nothing says where the lesion is, or a mask cannot be used.
    """
    known = [task for task in TASKS if task.known_of(subject)]
    if not known:
        needed = " or ".join(", ".join(sorted(task.masks)) for task in TASKS)
        raise VolumeError(f"{subject.key}: nothing says where the lesion is; give it masks ({needed}, or {LABEL_MAP})")
    return torch.cat([truth_of(subject, study, task) for task in known]).any(0)  # (X, Y, Z)


def _part(subject: Subject, name: str, onto: Grid) -> Tensor:
    path = subject.masks.get(name)
    voxels, affine, _ = read_nifti(path or subject.masks[LABEL_MAP])
    if path is None:
        known = {0, *(label for labels in LABELS.values() for label in labels)}
        if strange := set(np.unique(voxels).tolist()) - known:
            raise VolumeError(
                f"{subject.masks[LABEL_MAP]}: label {min(strange):g} is none of BraTS (0 to 4); relabel it, or give "
                f"masks named {', '.join(LABELS)}"
            )
    there = voxels != 0 if path is not None else np.isin(voxels, LABELS[name])
    x, y, z = there.shape
    return resample(torch.from_numpy(there.astype(np.float32)), Grid((x, y, z), affine), onto) > 0.5


def inputs_of(subjects: Sequence[Subject], modalities: Collection[str]) -> tuple[str, ...]:
    """Choose the modalities that a segmenter is shown: those that nine in ten of its training subjects have.

    Args:
        subjects: That it could train on.
        modalities: That the run knows, in order.

    Example:
        >>> from pathlib import Path
        >>> images = dict.fromkeys(["T1w", "FLAIR", "DWI"], Path("x.nii"))
        >>> inputs_of([Subject("a", "", images, {}, {})], ["T1w", "T2w", "FLAIR"])
        ('T1w', 'FLAIR')
    """
    counts = Counter(name for subject in subjects for name in subject.images)
    return tuple(name for name in modalities if counts[name] >= max(1, MOST * len(subjects)))
