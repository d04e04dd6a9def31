"""Samples: prepared subjects, cut by a view into what batches are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Generator, Tensor
from torch.utils.data import get_worker_info

from anysyn.acquisition import Acquisition
from anysyn.data.augment import Augmentation
from anysyn.data.errors import VolumeError
from anysyn.data.geometry.boxes import Box, triple
from anysyn.data.loading.batches import Group
from anysyn.data.loading.cache import Cache
from anysyn.data.loading.prepare_subject import prepare_subject
from anysyn.data.loading.prepared_subject import PreparedSubject
from anysyn.data.loading.preparing import prepare_each
from anysyn.data.loading.shown import shown_by
from anysyn.data.modalities import modality
from anysyn.data.prepare import Pipeline, TypicalWindows
from anysyn.data.records import Failure, Subject
from anysyn.data.views import Observed, View
from anysyn.points import Points
from anysyn.registry import suggest
from anysyn.types import Batch

Progress = Callable[[Sequence[Subject]], Iterable[Subject]]


class NoSubjectError(VolumeError):
    """No subject of a part of the split can be used.

    Args:
        failures: Why, for each of them.

    Example:
        >>> print(NoSubjectError((Failure("sub-01", None, "t1.nii.gz: is truncated"),)))
        no subject can be used; the first of 1: t1.nii.gz: is truncated
    """

    def __init__(self, failures: tuple[Failure, ...]) -> None:
        first = f"; the first of {len(failures)}: {failures[0].reason}" if failures else ""
        super().__init__(f"no subject can be used{first}")
        self.failures = failures


class Samples:
    """Slices, slabs or patches of prepared subjects, for training or validation.

    Args:
        volumes: Prepared subjects, at least one.
        modalities: Canonical names, in the order of the recipe.
        view: What a sample is.
        datasets: Names of the N datasets, in the order of their numbers; by default those of the volumes, sorted.
        augment: Random changes of the samples, in order.
        augment_sources: Random changes of what the network reads, in order; the targets stay.
        failures: Subjects that were left out, and why.
        cache: Holds what the view shows of the volumes; by default the one that they are from.

    Raises:
        NoSubjectError: If there is no volume.
        VolumeError: If the dataset of one is not among `datasets`.
    """

    def __init__(
        self,
        volumes: Sequence[PreparedSubject],
        *,
        modalities: Sequence[str],
        view: View,
        datasets: Sequence[str] | None = None,
        augment: Sequence[Augmentation] = (),
        augment_sources: Sequence[Augmentation] = (),
        failures: Sequence[Failure] = (),
        cache: Cache | None = None,
    ) -> None:
        if not volumes:
            raise NoSubjectError(tuple(failures))
        self.volumes, self.view, self.failures = tuple(volumes), view, tuple(failures)
        self.augment, self.augment_sources = tuple(augment), tuple(augment_sources)
        self.modalities = tuple(modalities)
        self.remarks = tuple(remark for volume in volumes for remark in volume.remarks)
        self.datasets = tuple(datasets or sorted({volume.subject.dataset for volume in volumes}))
        self.cache = cache
        self._shown, self.extent = shown_by(volumes, view, cache)
        self._boxes = [view.boxes(volume.foreground, volume.profile, self.extent) for volume in self._shown]
        self._places = [(v, n) for v, boxes in enumerate(self._boxes) for n in range(len(boxes))]
        self._rows = [tuple(map(volume.acquisition, self.modalities)) for volume in volumes]
        self._channels = [[self.modalities.index(name) for name in volume.modalities] for volume in volumes]
        self._available = torch.tensor([[record is not None for record in row] for row in self._rows])  # (V, M)
        self._numbers = [self._number(volume) for volume in volumes]
        self._weights = F.one_hot(torch.tensor(self._numbers), len(self.datasets)).float()  # (V, N)
        self._air = torch.zeros(len(volumes), len(self.modalities))  # (V, M)
        for row, channels, volume in zip(self._air, self._channels, volumes, strict=True):
            row[channels] = volume.air
        self._spacing = torch.tensor([[v.grid.spacing[a] for a in view.spatial] for v in volumes])  # (V, dims)

    @classmethod
    def prepare(
        cls,
        subjects: Sequence[Subject],
        *,
        modalities: Sequence[str],
        pipeline: Pipeline,
        view: View,
        cache: Cache,
        resample_to: str | None = None,
        datasets: Sequence[str] | None = None,
        augment: Sequence[Augmentation] = (),
        augment_sources: Sequence[Augmentation] = (),
        jobs: int | None = None,
        progress: Progress = iter,
    ) -> Samples:
        """Prepare subjects; one that cannot be used is left out and listed under ``failures``.

        Args:
            subjects: The subjects.
            modalities: Names or aliases, in the order of the recipe.
            pipeline: The preparation of the images.
            view: As for the class, like ``datasets`` and ``augment``.
            cache: Cache of prepared images.
            resample_to: Modality whose grid the others of a subject are resampled to.
            datasets: By default those of the usable subjects.
            augment: Random changes of the samples.
            augment_sources: Random changes of what the network reads.
            jobs: Processes; by default what the size of the files is worth, at most the cores.
            progress: Wraps the subjects and shows the progress, for example ``rich.progress.track``.

        Raises:
            NoSubjectError: If no subject can be used.
            CacheError: If the cache cannot be used.
        """
        names = [modality(name).name for name in modalities]
        options: dict[str, Any] = {
            "modalities": names,
            "pipeline": pipeline,
            "cache": cache,
            "resample_to": resample_to,
        }
        outcomes = prepare_each(subjects, partial(_prepare_pair, layout=view.layout, **options), jobs)
        ready = [outcome for _, outcome in zip(progress(subjects), outcomes, strict=True)]
        volumes = [outcome for outcome in ready if isinstance(outcome, PreparedSubject)]
        failures = [outcome for outcome in ready if isinstance(outcome, Failure)]
        return cls(
            volumes,
            modalities=names,
            view=view,
            datasets=datasets,
            augment=augment,
            augment_sources=augment_sources,
            failures=failures,
            cache=cache,
        )

    @property
    def acquisitions(self) -> list[tuple[Acquisition | None, ...]]:
        """Return the acquisitions of each subject's images, with their voxel sizes after preparation."""
        return list(self._rows)

    def seen_by(self, view: View) -> Samples:
        """Return samples of the same subjects by another view."""
        return Samples(
            self.volumes,
            modalities=self.modalities,
            view=view,
            datasets=self.datasets,
            augment=self.augment,
            augment_sources=self.augment_sources,
            failures=self.failures,
            cache=self.cache,
        )

    def __len__(self) -> int:
        """Return the number of samples in an epoch."""
        return len(self._places)

    @property
    def groups(self) -> list[Group]:
        """Return for each sample the number of its dataset and which modalities it has."""
        by_volume = list(zip(self._numbers, map(tuple, self._available.tolist()), strict=True))
        return [by_volume[v] for v, _ in self._places]

    @property
    def typical(self) -> TypicalWindows:
        """Return the median intensity windows of these subjects, for images that will be synthesized."""
        return TypicalWindows.learned((volume.subject.dataset, volume.windows) for volume in self.volumes)

    def batch(self, indices: Sequence[int], generator: Generator) -> Batch:
        """Return the samples with these numbers as a batch on the CPU; if the view has points, with the values there.

        Args:
            indices: Numbers of the samples.
            generator: Draws the positions of random patches, and the augmentation.
        """
        places = [self._places[i] for i in indices]
        boxes = [(v, self._boxes[v].draw(n, generator)) for v, n in places]
        observe = self.view.observe
        observed = [observe(self._images([b], generator)[0], generator) for b in boxes] if self.view.points else []
        rows = torch.tensor([v for v, _ in places])
        batch = Batch(
            torch.stack([sample.images for sample in observed]) if observed else self._images(boxes, generator),
            self._available[rows],
            self._weights[rows],
            self._spacing[rows],
            tuple(self._rows[v] for v, _ in places),
            tuple(f"{self.volumes[v].subject.key} {box.start}" for v, box in boxes),
        )
        known = with_fine_points(batch, observed, self.view.spatial) if observed else batch
        return self._read(known, rows, generator)

    def _read(self, batch: Batch, rows: Tensor, generator: Generator) -> Batch:
        """Change what the network reads, and keep what it is compared with."""
        if not self.augment_sources:
            return batch
        images = self._changed(batch.images, self._air[rows], self.augment_sources, generator)
        return replace(batch, images=images, targets=None if batch.points is not None else batch.images)

    def _images(self, boxes: Sequence[tuple[int, Box]], generator: Generator) -> Tensor:
        """Cut boxes of one size out of volumes: (B, M, *S)."""
        sides = [boxes[0][1].size[axis] for axis in self.view.spatial]
        images = _blank((len(boxes), len(self.modalities), *sides), last=not self.augment and not self.view.points)
        for row, (v, box) in zip(images, boxes, strict=True):
            if len(self._channels[v]) == len(row):
                self._fill(row, v, box)  # the common case: unpacked to where the voxels belong
            else:
                piece = torch.empty(len(self._channels[v]), *row.shape[1:])  # (N, *S)
                self._fill(piece, v, box)
                row[self._channels[v]] = piece
        return self._changed(images, self._air[[v for v, _ in boxes]], self.augment, generator)

    def _changed(self, images: Tensor, air: Tensor, changes: Sequence[Augmentation], generator: Generator) -> Tensor:
        """Change images (B, M, *S) so that their air (B, M), which no change knows, is 0 to each of them."""
        level = air.reshape(*air.shape, *(1 for _ in images.shape[2:]))  # (B, M, 1, ...)
        apart = bool(changes) and bool(level.any())  # where it is 0 anyway, as in MRI, nothing is rounded
        images = images - level if apart else images
        for change in changes:
            images = change(images, self.view.spatial, generator)
        return images + level if apart else images

    def _fill(self, piece: Tensor, v: int, box: Box) -> None:
        """Fill (N, *S) with the box of a volume, and with air where it extends beyond it."""
        volume, block = self._shown[v], self.view.give(piece, box)  # (N, x, y, z), of the same memory
        inside = box.common(Box((0, 0, 0), volume.grid.shape))
        if inside.size != box.size:
            block.copy_(volume.air.reshape(-1, 1, 1, 1))
        volume.fill(block[(slice(None), *box.of(inside))], inside)

    def _number(self, volume: PreparedSubject) -> int:
        name = volume.subject.dataset
        if name not in self.datasets:
            raise VolumeError(f"{volume.subject.key}: dataset {name!r} has no number; {suggest(name, self.datasets)}")
        return self.datasets.index(name)


def _prepare_pair(subject: Subject, **options: Any) -> PreparedSubject:
    """Prepare a subject; refuse one of whose images only one is left because the others are blank."""
    volume = prepare_subject(subject, **options)
    if volume.absent and len(volume.modalities) < 2:
        raise VolumeError(f"only {', '.join(volume.modalities)} is left: {'; '.join(volume.absent.values())}")
    return volume


def _blank(shape: Sequence[int], *, last: bool) -> Tensor:
    """Return zeros; the last place of a batch that a worker makes is memory that it shares with the training."""
    if last and get_worker_info() is not None:
        shared = torch.UntypedStorage._new_shared(4 * prod(shape))  # type: ignore[no-untyped-call]
        return torch.zeros(0).set_(shared).reshape(shape)
    # Memory of numpy's is in huge pages: a batch of whole volumes takes a quarter of the time to get it.
    return torch.from_numpy(np.zeros(shape, dtype=np.float32))


def with_fine_points(batch: Batch, observed: Sequence[Observed], axes: Sequence[int]) -> Batch:
    """Attach high-resolution target points to a low-resolution batch.

    Args:
        batch: Low-resolution images; its spacing and acquisitions are those of the high-resolution ones.
        observed: The points of each sample.
        axes: For each voxel axis of *S, the axis of the volume.

    Returns:
        The batch with spacing and acquisitions of its images; ``value_acquisitions`` are those of the points.
    """
    step = torch.stack([sample.step for sample in observed])  # (B, d)

    def coarse(record: Acquisition | None, steps: list[float]) -> Acquisition | None:
        if record is None or record.voxel_size_mm is None:
            return record
        edges = list(record.voxel_size_mm)
        for axis, fraction in zip(axes, steps, strict=True):
            edges[axis] = round(edges[axis] / fraction, 4)
        return replace(record, voxel_size_mm=triple(edges))

    rows = zip(batch.acquisitions, step.tolist(), strict=True)
    return replace(
        batch,
        spacing=batch.spacing / step,
        acquisitions=tuple(tuple(coarse(record, steps) for record in row) for row, steps in rows),
        points=Points(torch.stack([sample.at for sample in observed]), step),
        values=torch.stack([sample.values for sample in observed]),  # (B, M, Q)
        value_acquisitions=batch.acquisitions,
    )
