"""Samples: prepared subjects, cut by a view into what batches are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Generator, Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.errors import VolumeError
from anysyn.data.geometry.boxes import Box
from anysyn.data.loading.augment import Augmentation
from anysyn.data.loading.cache import Cache
from anysyn.data.loading.prepared import Prepared, prepared
from anysyn.data.modalities import modality
from anysyn.data.prepare import Pipeline, TypicalWindows
from anysyn.data.records import Failure, Subject
from anysyn.data.views import Observed, View
from anysyn.points import Points
from anysyn.registry import suggest
from anysyn.types import Batch

Group = tuple[int, tuple[bool, ...]]
Progress = Callable[[Sequence[Subject]], Iterable[Subject]]


class Samples:
    """Hold what training or validation sees of some subjects.

    Args:
        volumes: Prepared subjects, at least one.
        modalities: Canonical names, in the order of the recipe.
        view: What a sample is.
        datasets: Names that number the datasets; by default those of the volumes, sorted.
        augment: Random changes of the samples, in order.
        failures: Subjects that were left out, and why.

    Raises:
        VolumeError: If there is no volume, or one comes from a dataset that has no number.
    """

    def __init__(
        self,
        volumes: Sequence[Prepared],
        *,
        modalities: Sequence[str],
        view: View,
        datasets: Sequence[str] | None = None,
        augment: Sequence[Augmentation] = (),
        failures: Sequence[Failure] = (),
    ) -> None:
        if not volumes:
            first = f"; the first of {len(failures)}: {failures[0].reason}" if failures else ""
            raise VolumeError(f"no subject can be used{first}")
        self.volumes, self.view, self.augment, self.failures = tuple(volumes), view, tuple(augment), tuple(failures)
        self.modalities = tuple(modalities)
        self.datasets = tuple(datasets or sorted({volume.subject.dataset for volume in volumes}))
        self.extent = view.extent([volume.grid.shape for volume in volumes])
        self._boxes = [view.boxes(volume.foreground, volume.profile, self.extent) for volume in volumes]
        self._places = [(v, n) for v, boxes in enumerate(self._boxes) for n in range(len(boxes))]
        self._rows = [self._row(volume) for volume in volumes]
        self._held = [[self.modalities.index(name) for name in volume.modalities] for volume in volumes]
        self._available = torch.tensor([[one is not None for one in row] for row in self._rows])  # (V, M)
        self._dataset = torch.tensor([self._number(volume) for volume in volumes])  # (V,)
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
        progress: Progress = iter,
    ) -> Samples:
        """Prepare subjects; one that cannot be used costs only itself and is listed under ``failures``.

        Args:
            subjects: Whose images are read.
            modalities: Names or aliases, in the order of the recipe.
            pipeline: What is done to the images.
            view: What a sample is.
            cache: Where prepared images are kept.
            resample_to: Modality whose grid the others of a subject are resampled to.
            datasets: Names that number the datasets; by default those of the subjects that can be used, sorted.
            augment: Random changes of the samples, in order.
            progress: Shows how far the subjects are, for example by ``rich.progress.track``.

        Raises:
            VolumeError: If no subject can be used.
            CacheError: If the cache cannot be used.
        """
        names = [modality(name).name for name in modalities]
        volumes, failures = [], []
        for subject in progress(subjects):
            try:
                volumes.append(
                    prepared(
                        subject,
                        modalities=names,
                        pipeline=pipeline,
                        cache=cache,
                        resample_to=resample_to,
                        axes=view.axes,
                    )
                )
            except VolumeError as error:
                folder = next((Path(path).parent for path in subject.images.values()), Path())
                failures.append(Failure(subject.key, folder, str(error)))
        return cls(volumes, modalities=names, view=view, datasets=datasets, augment=augment, failures=failures)

    @property
    def acquisitions(self) -> list[tuple[Acquisition | None, ...]]:
        """Return how the images of each subject were acquired, with the voxel sizes that they have here."""
        return list(self._rows)

    def seen_by(self, view: View) -> Samples:
        """Return the same subjects as another view shows them.

        Args:
            view: What a sample is.
        """
        volumes = [volume.along(view.axes[0]) for volume in self.volumes]
        about = {"datasets": self.datasets, "augment": self.augment, "failures": self.failures}
        return Samples(volumes, modalities=self.modalities, view=view, **about)  # type: ignore[arg-type]

    def __len__(self) -> int:
        """Return the number of samples in an epoch."""
        return len(self._places)

    @property
    def groups(self) -> list[Group]:
        """Return for each sample the number of its dataset and which modalities it has."""
        ofs = [
            (int(number), tuple(map(bool, row)))
            for number, row in zip(self._dataset.tolist(), self._available.tolist(), strict=True)
        ]
        return [ofs[volume] for volume, _ in self._places]

    @property
    def typical(self) -> TypicalWindows:
        """Return the median intensity windows of these subjects, for images that will be synthesized."""
        return TypicalWindows.learned((volume.subject.dataset, volume.windows) for volume in self.volumes)

    def batch(self, indices: Sequence[int], generator: Generator) -> Batch:
        """Return some samples as a batch.

        Args:
            indices: Numbers of the samples.
            generator: Decides where random patches lie, and the augmentation.

        Returns:
            Images (B, M, *S) on the CPU; where the view has points, with the truth there.
        """
        places = [self._places[i] for i in indices]
        whole = [(v, self._boxes[v].draw(n, generator)) for v, n in places]
        seen = [self._observed(one, generator) for one in whole] if self.view.points else []
        which = torch.tensor([v for v, _ in places])
        batch = Batch(
            torch.stack([one.images for one in seen]) if seen else self._images(whole, generator),
            self._available[which],
            self._dataset[which],
            self._spacing[which],
            tuple(self._rows[v] for v, _ in places),
            tuple(f"{self.volumes[v].subject.key} {box.start}" for v, box in whole),
        )
        return coarser(batch, seen, self.view.spatial) if seen else batch

    def _observed(self, one: tuple[int, Box], generator: Generator) -> Observed:
        return self.view.observe(self._images([one], generator)[0], generator)

    def _images(self, whole: Sequence[tuple[int, Box]], generator: Generator) -> Tensor:
        """Cut boxes of one size out of volumes: (B, M, *S)."""
        sides = (whole[0][1].size[axis] for axis in self.view.spatial)
        images = torch.zeros(len(whole), len(self.modalities), *sides)
        for row, (v, box) in zip(images, whole, strict=True):
            self._fill(row, v, box)
        for change in self.augment:
            images = change(images, self.view.spatial, generator)
        return images

    def _fill(self, row: Tensor, v: int, box: Box) -> None:
        volume, held = self.volumes[v], self._held[v]
        piece = self.view.take(volume.images, box, volume.air)  # (N, *S)
        if len(held) == len(row):
            row.copy_(piece)  # the common case, at the speed of memory
        else:
            row[held] = piece

    def _row(self, volume: Prepared) -> tuple[Acquisition | None, ...]:
        return tuple(volume.acquisition(name) for name in self.modalities)

    def _number(self, volume: Prepared) -> int:
        name = volume.subject.dataset
        if name not in self.datasets:
            raise VolumeError(f"{volume.subject.key}: dataset {name!r} has no number; {suggest(name, self.datasets)}")
        return self.datasets.index(name)


def coarser(batch: Batch, seen: Sequence[Observed], axes: Sequence[int]) -> Batch:
    """Say of a batch that it shows coarser images than its truth, which is known at points.

    Args:
        batch: Whose images are those that are shown, and all else is said of the truth.
        seen: What each sample shows.
        axes: For each voxel axis of *S, the axis of the volume.

    Returns:
        Spacing and acquisitions of the images that are shown; ``value_acquisitions`` are those of the truth.
    """
    step = torch.stack([one.step for one in seen])  # (B, d)

    def shown(record: Acquisition | None, ratio: list[float]) -> Acquisition | None:
        if record is None or record.voxel_size_mm is None:
            return record
        edges = list(record.voxel_size_mm)
        for axis, one in zip(axes, ratio, strict=True):
            edges[axis] = round(edges[axis] / one, 4)
        return replace(record, voxel_size_mm=(edges[0], edges[1], edges[2]))

    rows = zip(batch.acquisitions, step.tolist(), strict=True)
    return replace(
        batch,
        spacing=batch.spacing / step,
        acquisitions=tuple(tuple(shown(record, ratio) for record in row) for row, ratio in rows),
        points=Points(torch.stack([one.at for one in seen]), step),
        values=torch.stack([one.values for one in seen]),  # (B, M, Q)
        value_acquisitions=batch.acquisitions,
    )
