"""Prepared subjects: the images that training reads, memory-mapped from the cache."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.errors import VolumeError
from anysyn.data.geometry.boxes import triple
from anysyn.data.geometry.grid import Grid
from anysyn.data.loading.cache import Cache, Entry
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
        images: (N, X, Y, Z) float32, one for each of the names.
        foreground: (X, Y, Z) bool.
        profile: (n,) int64, foreground voxels at each position along the axis that is stored first.
        grid: Where the voxels lie.
        windows: By modality, the intensities in the unit of the modality table that become 0 and 1.
        air: (N,) prepared intensity of air.
        assumed: By modality, what was assumed about the unit of its file.
        absent: By modality, why its file counts as absent.
    """

    subject: Subject
    modalities: tuple[str, ...]
    images: Tensor
    foreground: Tensor
    profile: Tensor
    grid: Grid
    windows: Mapping[str, Window]
    air: Tensor
    assumed: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

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

    def along(self, axis: int) -> PreparedSubject:
        """Return the subject with the foreground's profile along another axis of X, Y, Z."""
        return replace(self, profile=self.foreground.movedim(axis, 0).flatten(1).sum(1))

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

    return _unpacked(subject, cache.get(json.dumps(about), make), axes)


def _content(subject: Subject, name: str, cache: Cache) -> str:
    try:
        return " ".join(map(cache.content, files_of(subject.images[name])))
    except OSError as error:
        raise VolumeError(f"{subject.images[name]}: cannot be read ({error.strerror or error})") from error


def _packed(study: Study, names: Sequence[str], axes: tuple[int, int, int]) -> Entry:
    if not study.foreground.any():
        raise VolumeError(f"{study.key}: no foreground is left after the preparation; are the voxels too coarse?")
    inside = study.foreground.permute(axes)  # (n, a, b)
    images = torch.stack([study.images[name].permute(axes) for name in names], 1)  # (n, N, a, b)
    profile = inside.flatten(1).sum(1)  # (n,)
    tensors = {"images": images, "foreground": inside, "profile": profile, "affine": torch.from_numpy(study.affine)}
    windows = {name: study.windows[name] for name in names if name in study.windows}
    air = [study.air(name) for name in names]
    notes = {"names": names, "windows": windows, "air": air, "assumed": study.assumed, "absent": study.absent}
    return Entry(tensors, {"notes": json.dumps(notes)})


def _unpacked(subject: Subject, entry: Entry, axes: tuple[int, int, int]) -> PreparedSubject:
    notes = json.loads(entry.notes["notes"])
    x, y, z = (axes.index(axis) for axis in range(3))
    stored = entry.tensors["images"].movedim(1, 0)  # (N, n, a, b)
    images = stored.permute(0, x + 1, y + 1, z + 1)  # (N, X, Y, Z)
    inside = entry.tensors["foreground"].permute(x, y, z)  # (X, Y, Z)
    return PreparedSubject(
        subject,
        tuple(notes["names"]),
        images,
        inside,
        entry.tensors["profile"],
        Grid(triple(inside.shape), entry.tensors["affine"].numpy()),
        {name: window_of(numbers) for name, numbers in notes["windows"].items()},
        torch.tensor(notes["air"], dtype=torch.float32),
        notes["assumed"],
        notes["absent"],
    )
