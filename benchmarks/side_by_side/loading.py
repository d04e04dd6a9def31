"""Batches of slices and of patches by anysyn, by MONAI's CacheDataset and by TorchIO's Queue, from the same files."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Tensor
from torch.utils.data import DataLoader

from anysyn.data.loading.cache import Cache
from anysyn.data.loading.samples import Samples
from anysyn.data.prepare import Canonical, Pipeline, Rescale
from anysyn.data.subjects.find import find_subjects
from anysyn.data.views import Patches, Slices, View
from anysyn.seeds import seeded
from side_by_side.made_volumes import CONTRASTS, write_subjects

Loader = Iterator[Tensor]  # of batches (B, M, *S)


def ours(folder: Path, roi: tuple[int, int, int], size: int, device: str) -> Loader:
    """Yield batches by anysyn, from its cache on disk.

    Args:
        folder: Subjects.
        roi: Voxels of a sample along each axis; 1 along the last makes slices.
        size: Samples of a batch.
        device: Where they go.
    """
    view: View = Slices() if roi[2] == 1 else Patches(size=roi)
    options: dict[str, Any] = {"pipeline": Pipeline((Canonical(), Rescale())), "view": view, "modalities": CONTRASTS}
    cache = Cache(folder.parent / f"cache-{roi[2]}")
    samples = Samples.prepare(find_subjects(folder).subjects, cache=cache, jobs=1, **options)
    for number in itertools.count():
        order = torch.randperm(len(samples), generator=seeded(number)).tolist()
        for first in range(0, len(order) - size + 1, size):
            yield samples.batch(order[first : first + size], seeded(number, first)).to(torch.device(device)).images


def monai(folder: Path, roi: tuple[int, int, int], size: int, device: str) -> Loader:
    """Yield batches by MONAI, whose cache is the memory.

    Args:
        folder: Subjects.
        roi: Voxels of a sample along each axis.
        size: Samples of a batch.
        device: Where they go.
    """
    from monai.data import CacheDataset
    from monai.transforms import (
        Compose,
        ConcatItemsd,
        DeleteItemsd,
        EnsureChannelFirstd,
        LoadImaged,
        RandSpatialCropd,
        ScaleIntensityRangePercentilesd,
    )

    scaled = ScaleIntensityRangePercentilesd(CONTRASTS, lower=0, upper=99.5, b_min=0, b_max=1)
    steps = [LoadImaged(CONTRASTS), EnsureChannelFirstd(CONTRASTS), scaled, ConcatItemsd(CONTRASTS, "image")]
    steps += [DeleteItemsd(CONTRASTS), RandSpatialCropd("image", roi, random_size=False)]
    data = [{name: str(path) for name, path in subject.images.items()} for subject in find_subjects(folder).subjects]
    cached = CacheDataset(data * (1 if roi[2] > 1 else 8), Compose(steps), progress=False, num_workers=1)
    loader = DataLoader(cached, batch_size=size, shuffle=True, drop_last=True)
    while True:
        for batch in loader:
            yield batch["image"].as_tensor().to(device)


def torchio(folder: Path, roi: tuple[int, int, int], size: int, device: str) -> Loader:
    """Yield batches by TorchIO, whose queue reads each file anew for 8 samples.

    Args:
        folder: Subjects.
        roi: Voxels of a sample along each axis.
        size: Samples of a batch.
        device: Where they go.
    """
    import torchio as tio

    subjects = [
        tio.Subject({name: tio.ScalarImage(path) for name, path in subject.images.items()})
        for subject in find_subjects(folder).subjects
    ]
    scaled = tio.RescaleIntensity((0, 1), percentiles=(0, 99.5))
    dataset = tio.SubjectsDataset(subjects, transform=scaled)
    queue = tio.Queue(dataset, 8 * len(subjects), 8, tio.UniformSampler(roi), num_workers=0, start_background=False)
    loader = tio.SubjectsLoader(queue, batch_size=size, drop_last=True)
    while True:
        for batch in loader:
            yield torch.cat([batch[name][tio.DATA].float() for name in CONTRASTS], 1).to(device)


FORMS: dict[str, Callable[..., Loader]] = {"anysyn": ours, "MONAI": monai, "TorchIO": torchio}


def seconds_of(loader: Loader, batches: int) -> float:
    """Return the CPU seconds of the next batches.

    Args:
        loader: Where they come from.
        batches: How many.
    """
    start = time.process_time()
    for _ in range(batches):
        next(loader)
    return time.process_time() - start


def command(
    subjects: Annotated[int, typer.Option(help="Made subjects of two contrasts.")] = 8,
    side: Annotated[int, typer.Option(help="Voxels of a volume along each axis.")] = 128,
    patch: Annotated[int, typer.Option(help="Voxels of a patch along each axis.")] = 64,
    size: Annotated[int, typer.Option(help="Samples of a batch.")] = 8,
    batches: Annotated[int, typer.Option(help="Batches in a turn; a first turn does not count.")] = 16,
    rounds: Annotated[int, typer.Option(help="Turns.")] = 3,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Make batches in turns, in this one process: milliseconds of a batch, its preparation not counted."""
    print(f"{subjects} subjects of {side}^3 in two contrasts, batches of {size}, threads: {torch.get_num_threads()}")
    with tempfile.TemporaryDirectory() as place:
        folder = write_subjects(Path(place) / "subjects", subjects, side)
        for title, roi in (("slices", (side, side, 1)), ("patches", (patch,) * 3)):
            loaders = {name: form(folder, roi, size, device) for name, form in FORMS.items()}
            for loader in loaders.values():
                seconds_of(loader, batches)
            turns = [{name: seconds_of(loader, batches) for name, loader in loaders.items()} for _ in range(rounds)]
            costs = {name: float(np.median([turn[name] for turn in turns])) / batches for name in loaders}
            for name, cost in costs.items():
                print(f"{title:<8}{name:<8}{cost * 1e3:9.2f} CPU ms a batch ({cost / costs['anysyn']:.2f} times ours)")
