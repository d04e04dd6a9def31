"""Lesion masks: the regions that a segmenter is trained on, read from the masks of a subject."""

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
from anysyn.data.volumes.formats import read_voxels
from anysyn.data.volumes.study import Study

LABEL_MAP = "seg"  # BraTS's name of the file with all parts of a tumour
LABELS = {"core": (1,), "oedema": (2,), "rim": (3, 4)}  # BraTS's number of the rim is 4, since 2023 it is 3
MOST = 0.9  # share of the subjects that must have a modality for it to be an input of the segmenter


@dataclass(frozen=True, eq=False)
class Task:
    """The regions that a segmenter finds.

    Args:
        name: Name of the task.
        regions: By name of the region, the masks whose union it is.
    """

    name: str
    regions: Mapping[str, tuple[str, ...]]

    @property
    def masks(self) -> set[str]:
        """Return the masks that a subject needs."""
        return {name for names in self.regions.values() for name in names}

    def known_of(self, subject: Subject) -> bool:
        """Return whether a subject has the masks of all regions."""
        masks = set(subject.masks)
        return self.masks <= masks or (LABEL_MAP in masks and self.masks <= LABELS.keys())

    def able(self, subject: Subject, inputs: Collection[str]) -> bool:
        """Return whether a subject has the masks and all inputs of a segmenter."""
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
    """Read the regions of a subject, (R, X, Y, Z) bool, onto the grid of its prepared images.

    Raises:
        VolumeError: If a mask cannot be used, or the label map has labels that BraTS does not define.
    """
    parts = {name: _part(subject, name, study.grid) for name in sorted(task.masks)}
    united = [torch.stack([parts[name] for name in names]).any(0) for names in task.regions.values()]
    return torch.stack(united)  # (R, X, Y, Z)


def lesion_of(subject: Subject, study: Study) -> Tensor:
    """Read the union of all lesion masks of a subject, (X, Y, Z) bool, onto the grid of its prepared images.

    Raises:
        VolumeError: If the subject has no lesion mask, or a mask cannot be used.
    """
    known = [task for task in TASKS if task.known_of(subject)]
    if not known:
        needed = " or ".join(", ".join(sorted(task.masks)) for task in TASKS)
        raise VolumeError(f"{subject.key}: nothing says where the lesion is; give it masks ({needed}, or {LABEL_MAP})")
    return torch.cat([truth_of(subject, study, task) for task in known]).any(0)  # (X, Y, Z)


def _part(subject: Subject, name: str, onto: Grid) -> Tensor:
    path = subject.masks.get(name)
    voxels, header = read_voxels(path or subject.masks[LABEL_MAP])
    if path is None:
        known = {0, *(label for labels in LABELS.values() for label in labels)}
        if strange := set(np.unique(voxels).tolist()) - known:
            raise VolumeError(
                f"{subject.masks[LABEL_MAP]}: label {min(strange):g} is none of BraTS (0 to 4); relabel it, or give "
                f"masks named {', '.join(LABELS)}"
            )
    there = voxels != 0 if path is not None else np.isin(voxels, LABELS[name])
    here = Grid(header.shape, header.affine)
    return resample(torch.from_numpy(there.astype(np.float32)), here, onto) > 0.5


def inputs_of(subjects: Sequence[Subject], modalities: Collection[str]) -> tuple[str, ...]:
    """Choose the inputs of a segmenter: the modalities that nine in ten of its training subjects have.

    Example:
        >>> from pathlib import Path
        >>> images = dict.fromkeys(["T1w", "FLAIR", "DWI"], Path("x.nii"))
        >>> inputs_of([Subject("a", "", images, {}, {})], ["T1w", "T2w", "FLAIR"])
        ('T1w', 'FLAIR')
    """
    counts = Counter(name for subject in subjects for name in subject.images)
    return tuple(name for name in modalities if counts[name] >= max(1, MOST * len(subjects)))
