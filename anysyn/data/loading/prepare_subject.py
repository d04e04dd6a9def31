"""The preparation of one subject for training, once: from its files to an entry of the cache."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anysyn.data.errors import VolumeError
from anysyn.data.geometry.boxes import triple
from anysyn.data.loading.cache import Cache, Entry
from anysyn.data.loading.prepared_subject import Packed, PreparedSubject, opened
from anysyn.data.prepare import Pipeline
from anysyn.data.records import Subject
from anysyn.data.units.stated import stated_units
from anysyn.data.views.view import Layout
from anysyn.data.volumes.formats import files_of
from anysyn.data.volumes.study import Study, read_study

SLICES = Layout((2, 0, 1))  # axial


def prepare_subject(
    subject: Subject,
    *,
    modalities: Sequence[str],
    pipeline: Pipeline,
    cache: Cache,
    resample_to: str | None = None,
    layout: Layout = SLICES,
) -> PreparedSubject:
    """Prepare a subject, or read it from the cache; a blank image counts as absent.

    Args:
        subject: The subject.
        modalities: Canonical names; those that the subject lacks are left out.
        pipeline: The preparation.
        cache: Holds the result under a name made of the bytes of the files, the steps and these arguments.
        resample_to: Modality whose grid the others are resampled to.
        layout: How the images are stored.

    Raises:
        VolumeError: If the subject cannot be used; the message names the file.
        CacheError: If the cache cannot be used.
    """
    names = tuple(name for name in modalities if name in subject.images)
    files = [(name, _content(subject, name, cache)) for name in names]
    units = stated_units({name: subject.images[name] for name in names}, subject.sidecars)
    about = {
        "files": files,
        "units": units,
        "steps": repr(tuple(pipeline.steps)),
        "onto": resample_to,
        "layout": layout,
    }

    def make() -> Entry:
        study, _ = pipeline(read_study(subject, modalities=modalities, resample_to=resample_to))
        return _packed(study, [name for name in names if name in study.images], layout)

    return opened(subject, cache.get(json.dumps(about), make), layout.axes)


def _content(subject: Subject, name: str, cache: Cache) -> str:
    try:
        return " ".join(map(cache.content, files_of(subject.images[name])))
    except OSError as error:
        raise VolumeError(f"{subject.images[name]}: cannot be read ({error.strerror or error})") from error


def _packed(study: Study, names: Sequence[str], layout: Layout) -> Entry:
    if not study.foreground.any():
        raise VolumeError(f"{study.key}: no foreground is left after the preparation; are the voxels too coarse?")
    windows = {name: study.windows[name] for name in names if name in study.windows}
    air = [study.air(name) for name in names]
    notes = {"names": names, "windows": windows, "air": air, "assumed": study.assumed, "absent": study.absent}
    images = torch.stack([study.images[name] for name in names])  # (N, X, Y, Z)
    return entry_of(images, study.foreground, study.affine, layout, json.dumps(notes))


def entry_of(images: Tensor, foreground: Tensor, affine: NDArray[np.float64], layout: Layout, notes: str) -> Entry:
    """Lay images (N, X, Y, Z) and their foreground (X, Y, Z) out for a cache."""
    inside = foreground.permute(layout.axes)  # (a, b, c)
    turned = images.permute(0, *(axis + 1 for axis in layout.axes))  # (N, a, b, c)
    packed = Packed.of(turned, layout.brick(triple(inside.shape)), compressed=layout.compressed)
    tensors = {"foreground": inside, "profile": inside.flatten(1).sum(1), "affine": torch.from_numpy(affine)}
    return Entry({**packed.tensors(), **tensors}, {"notes": notes})
