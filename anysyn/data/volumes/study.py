"""A study: the images of one subject on the same grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.errors import BlankImageError, GridsDifferError, VolumeError, about
from anysyn.data.geometry.boxes import triple
from anysyn.data.geometry.grid import Grid, resample, same_grid
from anysyn.data.modalities import modality
from anysyn.data.records import Subject
from anysyn.data.units.reading import Reading, in_table_unit
from anysyn.data.units.stated import stated_units
from anysyn.data.volumes.foreground import foreground
from anysyn.data.volumes.formats.format import Header
from anysyn.data.volumes.intensity_window import Window, rescale
from anysyn.data.volumes.volume import Volume, check_voxels, read_volume
from anysyn.registry import suggest


@dataclass(frozen=True, eq=False)
class Study:
    """The images of one subject on the same grid.

    Args:
        key: Name of the subject.
        dataset: Name of its dataset.
        images: By modality, (X, Y, Z) float32.
        affine: (4, 4), voxel to world in mm, RAS+.
        foreground: (X, Y, Z) bool, the head or body in any of the images.
        acquisitions: Acquisition parameters, by modality.
        header: What the file that the grid is from says of its place, written back as it came.
        windows: By modality, the intensities in the file's unit that became 0 and 1, also for modalities that the
            subject lacks; empty while the images are in the unit of the modality table.
        assumed: By modality, what was assumed about the unit of its file.
        absent: By modality, why its file counts as absent: it is blank.
    """

    key: str
    dataset: str
    images: Mapping[str, Tensor]
    affine: NDArray[np.float64]
    foreground: Tensor
    acquisitions: Mapping[str, Acquisition] = field(default_factory=dict)
    header: Header | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)
    assumed: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def grid(self) -> Grid:
        """Return the voxel grid."""
        return Grid(triple(self.foreground.shape), self.affine)

    def acquisition(self, name: str) -> Acquisition | None:
        """Return the acquisition parameters of an image, with the voxel size of this grid.

        Example:
            >>> study = study_of({"T1w": Volume(torch.rand(2, 2, 2), np.diag([1, 1, 3.0, 1]))})
            >>> study.acquisition("T1w").known()
            {'modality': 'T1w', 'voxel_size_mm': (1.0, 1.0, 3.0)}
        """
        record = self.acquisitions.get(name)
        return record and replace(record, voxel_size_mm=self.grid.recorded_size)

    def air(self, name: str) -> float:
        """Return the intensity of air: -1000 HU in CT and 0 elsewhere, mapped by the modality's window if rescaled.

        Example:
            >>> study = study_of({"CT": Volume(100 * torch.rand(2, 2, 2), np.eye(4))})
            >>> replace(study, windows={"CT": (-500.0, 500.0)}).air("CT")
            -0.5
        """
        air = _air(name)
        return rescale(air, self.window(name)) if self.windows else air

    def window(self, name: str) -> Window:
        """Return the window of a modality; without one, raise a `VolumeError`."""
        if name not in self.windows:
            raise VolumeError(
                f"{self.key}: no image and no training subject says how bright {name} is; {suggest(name, self.windows)}"
            )
        return self.windows[name]

    def moved(self, affine: NDArray[np.float64], move: Callable[[Tensor, float], Tensor]) -> Study:
        """Move every image and the foreground to the grid of another affine (4, 4).

        Args:
            affine: Of the new grid.
            move: Maps an image and its intensity of air to the image on the new grid.
        """
        images = {name: move(image, self.air(name)) for name, image in self.images.items()}
        inside = move(self.foreground.float(), 0.0) > 0.5
        return replace(self, images=images, foreground=inside, affine=affine)


def read_study(subject: Subject, *, modalities: Sequence[str] | None = None, resample_to: str | None = None) -> Study:
    """Read the images of a subject onto one grid, in the units of the modality table; a blank one counts as absent.

    Args:
        subject: The subject's files.
        modalities: Modalities to read, if the subject has them; all by default.
        resample_to: As for `study_of`.

    Raises:
        VolumeError: If a file cannot be used or has another unit, the subject has none of the modalities, or the grids
            differ.
    """
    names = list(subject.images) if modalities is None else [modality(name).name for name in modalities]
    files = {name: Path(subject.images[name]) for name in names if name in subject.images}
    if not files:
        raise VolumeError(f"{subject.key}: has none of {', '.join(names)}, only {', '.join(subject.images)}")
    volumes, absent = _present(files)
    if not volumes:
        raise VolumeError(f"{subject.key}: {'; '.join(absent.values())}")
    units = stated_units({name: files[name] for name in volumes}, subject.sidecars)
    study = study_of(volumes, key=subject.key, resample_to=resample_to, files=files, units=units)
    acquisitions = {name: subject.acquisitions.get(name, unknown) for name, unknown in study.acquisitions.items()}
    return replace(study, dataset=subject.dataset, acquisitions=acquisitions, absent=absent)


def _present(files: Mapping[str, Path]) -> tuple[dict[str, Volume], dict[str, str]]:
    """Return the volumes that show something, and why the others count as absent."""
    volumes, absent = {}, {}
    for name, path in files.items():
        try:
            volumes[name] = read_volume(path)
        except BlankImageError as error:
            absent[name] = str(error)
    return volumes, absent


def study_of(
    volumes: Mapping[str, Volume],
    *,
    key: str = "input",
    resample_to: str | None = None,
    files: Mapping[str, Path] | None = None,
    units: Mapping[str, str] | None = None,
) -> Study:
    """Bring volumes together onto one grid, each in the unit of the modality table.

    Args:
        volumes: By modality.
        key: Name of the subject, for messages.
        resample_to: Modality whose grid the others are resampled to; without it, different grids are an error.
        files: Files of the volumes, for messages.
        units: What the sidecars call the units, by modality.

    Raises:
        VolumeError: If a volume is constant, has a NaN, another unit or a voxel beyond what it can show, or the grids
            differ.

    Example:
        >>> study_of({"T1w": Volume(torch.rand(8, 9, 10), np.eye(4))}).grid.shape
        (8, 9, 10)
    """
    names = {name: f"{name} ({(files or {}).get(name, 'in memory')})" for name in volumes}
    readings = {
        name: _reading(volume, name, (units or {}).get(name), f"{key}: {names[name]}")
        for name, volume in volumes.items()
    }
    onto = resample_to and modality(resample_to).name
    first = onto if onto and onto in volumes else next(iter(volumes))
    grids = {name: volume.grid for name, volume in volumes.items()}
    moved = [name for name in volumes if not same_grid(grids[name], grids[first])]
    if moved and onto is None:
        raise _different(key, names, grids, first, moved[0])
    if moved and onto != first:
        raise VolumeError(f"{key}: cannot resample to {onto}, which it lacks; {suggest(onto, volumes)}")
    images = {name: reading.image for name, reading in readings.items()}
    for name in moved:
        with about(f"{key}: {names[name]} onto {names[first]}"):
            images[name] = resample(images[name], grids[name], grids[first], background=_air(name))
        check_voxels(images[name], f"{key}: {names[name]} on the grid of {names[first]}")
    inside = reduce(torch.logical_or, (foreground(image, modality(name).family) for name, image in images.items()))
    unknown = {name: Acquisition(modality=name) for name in volumes}
    assumed = {name: reading.assumed for name, reading in readings.items() if reading.assumed is not None}
    header = volumes[first].header
    return Study(key, "", images, grids[first].affine, inside, unknown, header=header, assumed=assumed)


def _reading(volume: Volume, name: str, unit: str | None, where: str) -> Reading:
    check_voxels(volume.voxels, where)
    try:
        return in_table_unit(volume.voxels, name, unit)
    except VolumeError as error:
        raise VolumeError(f"{where}: {error}") from error


def _air(name: str) -> float:
    return -1000.0 if modality(name).family == "CT" else 0.0


def _different(key: str, names: Mapping[str, str], grids: Mapping[str, Grid], a: str, b: str) -> GridsDifferError:
    onto = "T1w" if "T1w" in names else a
    where = "" if str(grids[a]) != str(grids[b]) else ", which lie apart or are turned"
    return GridsDifferError.of(
        f"{key}: {names[a]} with {grids[a]} and {names[b]} with {grids[b]}{where}",
        onto,
        "register them first (anysyn prepare) or, if they are registered, resample them onto one with --resample-to "
        f"{onto}, which registers nothing (in Python resample_to='{onto}', in a recipe data.resample_to={onto})",
    )
