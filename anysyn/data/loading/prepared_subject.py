"""Prepared subjects: the images that training reads, memory-mapped from the cache."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.errors import CacheError, VolumeError
from anysyn.data.geometry.boxes import Box, triple
from anysyn.data.geometry.grid import Grid
from anysyn.data.loading.cache import Cache, Entry, read_entry
from anysyn.data.loading.packed import Packed
from anysyn.data.prepare import Pipeline
from anysyn.data.records import Failure, Subject
from anysyn.data.units.stated import stated_units
from anysyn.data.volumes.formats import files_of
from anysyn.data.volumes.intensity_window import Window, window_of
from anysyn.data.volumes.study import Study, read_study


@dataclass(frozen=True, eq=False)
class PreparedSubject:
    """Prepared images of one subject.

    Args:
        subject: Whose images they are.
        modalities: Names of the images, in the order of the recipe.
        packed: The images, one for each of the names, in slices along ``axes[0]``.
        foreground: (X, Y, Z) bool.
        profile: (n,) int64, foreground voxels at each position along the axis that is stored first.
        grid: Where the voxels lie.
        windows: By modality, the intensities in the unit of the modality table that become 0 and 1.
        air: (N,) prepared intensity of air.
        assumed: By modality, what was assumed about the unit of its file.
        absent: By modality, why its file counts as absent.
        axes: Order in which the axes are stored.
        path: The file of the cache that holds all this.
        notes: What is written there about it.
    """

    subject: Subject
    modalities: tuple[str, ...]
    packed: Packed
    foreground: Tensor
    profile: Tensor
    grid: Grid
    windows: Mapping[str, Window]
    air: Tensor
    assumed: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    axes: tuple[int, int, int] = (0, 1, 2)
    path: Path | None = None
    notes: str = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """Go to another process as the path of the file, not as its bytes."""
        return _reopened, (self.subject, self.path, self.axes)

    @property
    def images(self) -> Tensor:
        """Return the whole images, (N, X, Y, Z) float32."""
        return self.read(Box((0, 0, 0), self.grid.shape))

    def read(self, box: Box) -> Tensor:
        """Return the part of a box that lies in the volume, (N, x, y, z) float32.

        Args:
            box: The voxels; slices outside of it are not unpacked.
        """
        inside = box.inside(self.grid.shape)
        along, *across = (inside[axis] for axis in self.axes)
        stored = self.packed.read(along.start, max(along.start, along.stop))  # (k, N, a, b)
        part = stored[:, :, across[0], across[1]].movedim(1, 0)  # (N, k, a, b)
        return part.permute(0, *(self.axes.index(axis) + 1 for axis in range(3)))  # (N, x, y, z)

    @property
    def remarks(self) -> tuple[Failure, ...]:
        """What was assumed about the subject's files, and those that count as absent; none is a failure."""
        return (*self.blank, *self._noted(self.assumed))

    @property
    def blank(self) -> tuple[Failure, ...]:
        """The files that count as absent, and why."""
        return self._noted(self.absent)

    def _noted(self, notes: Mapping[str, str]) -> tuple[Failure, ...]:
        key, images = self.subject.key, self.subject.images
        return tuple(Failure(key, images[name], f"{name}: {reason}", name) for name, reason in notes.items())

    def acquisition(self, name: str) -> Acquisition | None:
        """Return the known acquisition of an image, with its voxel size after preparation; None if it is absent."""
        if name not in self.modalities:
            return None
        known = self.subject.acquisitions.get(name, Acquisition(modality=name))
        return replace(known, voxel_size_mm=self.grid.voxel_size)


def prepare_subject(
    subject: Subject,
    *,
    modalities: Sequence[str],
    pipeline: Pipeline,
    cache: Cache,
    resample_to: str | None = None,
    axes: tuple[int, int, int] = (2, 0, 1),
) -> PreparedSubject:
    """Prepare a subject, or read it from the cache; a blank image counts as absent.

    Args:
        subject: The subject.
        modalities: Canonical names; those that the subject lacks are left out.
        pipeline: The preparation.
        cache: Holds the result under a name made of the bytes of the files, the steps and these arguments.
        resample_to: Modality whose grid the others are resampled to.
        axes: Order in which the axes are stored; a cut along the first one reads contiguous bytes.

    Raises:
        VolumeError: If the subject cannot be used; the message names the file.
        CacheError: If the cache cannot be used.
    """
    names = tuple(name for name in modalities if name in subject.images)
    files = [(name, _content(subject, name, cache)) for name in names]
    units = stated_units({name: subject.images[name] for name in names}, subject.sidecars)
    about = {"files": files, "units": units, "steps": repr(tuple(pipeline.steps)), "onto": resample_to, "axes": axes}

    def make() -> Entry:
        study, _ = pipeline(read_study(subject, modalities=modalities, resample_to=resample_to))
        return _packed(study, [name for name in names if name in study.images], axes)

    return opened(subject, cache.get(json.dumps(about), make), axes)


def _content(subject: Subject, name: str, cache: Cache) -> str:
    try:
        return " ".join(map(cache.content, files_of(subject.images[name])))
    except OSError as error:
        raise VolumeError(f"{subject.images[name]}: cannot be read ({error.strerror or error})") from error


def _packed(study: Study, names: Sequence[str], axes: tuple[int, int, int]) -> Entry:
    if not study.foreground.any():
        raise VolumeError(f"{study.key}: no foreground is left after the preparation; are the voxels too coarse?")
    windows = {name: study.windows[name] for name in names if name in study.windows}
    air = [study.air(name) for name in names]
    notes = {"names": names, "windows": windows, "air": air, "assumed": study.assumed, "absent": study.absent}
    images = torch.stack([study.images[name] for name in names])  # (N, X, Y, Z)
    return entry_of(images, study.foreground, study.affine, axes, json.dumps(notes))


def entry_of(
    images: Tensor, foreground: Tensor, affine: NDArray[np.float64], axes: tuple[int, int, int], notes: str
) -> Entry:
    """Lay images (N, X, Y, Z) and their foreground (X, Y, Z) out for a cache, in slices along ``axes[0]``."""
    inside = foreground.permute(axes)  # (n, a, b)
    packed = Packed.of(images.permute(0, *(axis + 1 for axis in axes)).movedim(0, 1))  # of (n, N, a, b)
    tensors = {"foreground": inside, "profile": inside.flatten(1).sum(1), "affine": torch.from_numpy(affine)}
    return Entry({**packed.tensors(), **tensors}, {"notes": notes})


def opened(subject: Subject, entry: Entry, axes: tuple[int, int, int]) -> PreparedSubject:
    """Return the subject that an entry of a cache holds, stored in this order of the axes."""
    notes, stored = json.loads(entry.notes["notes"]), entry.tensors["foreground"]  # (n, a, b)
    inside = stored.permute(*(axes.index(axis) for axis in range(3)))  # (X, Y, Z)
    return PreparedSubject(
        subject,
        tuple(notes["names"]),
        Packed.from_tensors(entry.tensors, (stored.shape[1], stored.shape[2])),
        inside,
        entry.tensors["profile"],
        Grid(triple(inside.shape), entry.tensors["affine"].numpy()),
        {name: window_of(numbers) for name, numbers in notes["windows"].items()},
        torch.tensor(notes["air"], dtype=torch.float32),
        notes["assumed"],
        notes["absent"],
        axes,
        entry.path,
        entry.notes["notes"],
    )


def _reopened(subject: Subject, path: Path, axes: tuple[int, int, int]) -> PreparedSubject:
    entry = read_entry(path)
    if entry is None:
        raise CacheError(f"{path}: was deleted while a training read it; resume the run, which makes it anew")
    return opened(subject, entry, axes)
