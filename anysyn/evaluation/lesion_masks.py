"""Lesion masks: the regions that a segmenter is trained on, read from the masks of a subject."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from anysyn.data.errors import VolumeError
from anysyn.data.geometry.grid import Grid, resample
from anysyn.data.records import Subject
from anysyn.data.volumes.formats import read_voxels
from anysyn.data.volumes.study import Study

LABEL_MAP = "seg"  # BraTS's name of the file with all parts of a tumour
LABELS = {"core": (1,), "oedema": (2,), "rim": (3,)}  # as BraTS numbers them since 2023
BONE = "bone"  # a mask of its own: where the CT has bone
FOURTH = 4  # the rim until 2021, nothing in 2023, the cavity of a resection since 2024
SINCE_2023 = re.compile(r"BraTS-[A-Za-z]+-\d")  # as its files are called since then; before, BraTS20_Training_001
PAEDIATRIC = re.compile(r"BraTS-PED", re.IGNORECASE)
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

    def part(self, subject: Subject, name: str, onto: Grid) -> Tensor:
        """Read a mask of a subject, (X, Y, Z) bool, onto a grid."""
        return _part(subject, name, onto)

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
    parts = {name: task.part(subject, name, study.grid) for name in sorted(task.masks)}
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


def bone_of(subject: Subject, study: Study) -> Tensor | None:
    """Read the mask ``bone`` of a subject, (X, Y, Z) bool, onto the grid of its prepared images; None if it has none.

    Raises:
        VolumeError: If the mask cannot be used.
    """
    return _part(subject, BONE, study.grid) if BONE in subject.masks else None


def labels_of(name: str, labels: Collection[float], file: Path) -> tuple[int, ...]:
    """Return the labels of a part of the tumour in a label map of BraTS.

    Label 4 is the enhancing rim until 2021. Beside a label 3, or in a file named as since 2023, it is the cavity of a
    resection (2024), which is no tumour and belongs to no region.

    Args:
        name: ``"core"``, ``"oedema"`` or ``"rim"``.
        labels: All labels of the map.
        file: The map, for its name.

    Raises:
        VolumeError: If a label is none of BraTS, or the map is of children and has a label 4.

    Example:
        >>> new, old = Path("BraTS-GLI-02405-100-seg.nii.gz"), Path("BraTS20_Training_001_seg.nii.gz")
        >>> labels_of("rim", {0, 1, 2, 4}, old), labels_of("rim", {0, 1, 2, 4}, new), labels_of("rim", {3, 4}, old)
        ((3, 4), (3,), (3,))
    """
    strange = set(labels) - {0, 1, 2, 3, FOURTH}
    remedy = f"relabel it, or give masks named {', '.join(LABELS)}"
    if strange:
        raise VolumeError(f"{file}: label {min(strange):g} is none of BraTS (0 to 4); {remedy}")
    where = f"{file.parent.name}/{file.name}"
    if FOURTH in labels and PAEDIATRIC.search(where):
        raise VolumeError(f"{file}: has the labels of BraTS-PED 2024, where 1 is the rim and 4 the oedema; {remedy}")
    is_cavity = 3 in labels or SINCE_2023.search(where) is not None
    return LABELS[name] if is_cavity or name != "rim" else (*LABELS[name], FOURTH)


def _part(subject: Subject, name: str, onto: Grid) -> Tensor:
    path = subject.masks.get(name)
    voxels, header = read_voxels(path or subject.masks[LABEL_MAP])
    if path is not None:
        there = voxels != 0
    else:
        there = np.isin(voxels, labels_of(name, set(np.unique(voxels).tolist()), subject.masks[LABEL_MAP]))
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
