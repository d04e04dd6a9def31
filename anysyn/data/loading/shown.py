"""Volumes as a view shows them: what does not depend on chance is done once, and stored."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F
from nibabel.affines import from_matvec
from torch import Tensor

from anysyn.data.errors import CacheError
from anysyn.data.geometry.boxes import Box, Shape, cut, triple
from anysyn.data.loading.cache import Cache, Entry
from anysyn.data.loading.prepare_subject import entry_of
from anysyn.data.loading.prepared_subject import PreparedSubject, opened
from anysyn.data.views import View


def shown_by(
    volumes: Sequence[PreparedSubject], view: View, cache: Cache | None = None
) -> tuple[list[PreparedSubject], Shape]:
    """Return volumes in the order of a view's slices, cut and averaged as all of its samples are.

    Args:
        volumes: As they were prepared.
        view: Whose samples will be cut from them.
        cache: Holds the result; by default the one that the volumes are from.

    Returns:
        The volumes, each as it was if there is nothing to do, and the size of a sample along X, Y, Z in their voxels.
    """
    extent = view.extent([volume.grid.shape for volume in volumes])
    shown = [_shown(volume, view, view.only_box(volume.grid.shape, extent), cache) for volume in volumes]
    return shown, triple(length // view.block for length in extent)


def _shown(volume: PreparedSubject, view: View, box: Box | None, cache: Cache | None) -> PreparedSubject:
    as_it_is = box in (None, Box((0, 0, 0), volume.grid.shape)) and view.block == 1
    if as_it_is and (box is not None or volume.packed.brick == _brick(volume, view)):  # a whole one has any bricks
        return volume
    if volume.path is None:
        raise CacheError(f"{volume.subject.key}: is in no cache, so it cannot be stored as a view shows it")
    box = box or Box((0, 0, 0), volume.grid.shape)
    name = json.dumps({"of": volume.path.stem, "layout": view.layout, "box": box, "block": view.block})
    entry = (cache or Cache(volume.path.parent)).get(name, lambda: _cut(volume, view, box))
    return opened(volume.subject, entry, view.axes)


def _brick(volume: PreparedSubject, view: View) -> Shape:
    """Return the bricks that the view wants of a volume, along the axes as they are stored."""
    shape = triple(volume.grid.shape[axis] for axis in view.axes)
    sides = dict(zip(view.axes, view.layout.brick(shape), strict=True))
    return triple(sides[axis] for axis in volume.axes)


def _cut(volume: PreparedSubject, view: View, box: Box) -> Entry:
    images = cut(volume.images, box, volume.air)  # (N, *size)
    inside = cut(volume.foreground.unsqueeze(0).float(), box)  # (1, *size)
    # The affine stays that of the voxels before they are averaged: so do spacing and prompts.
    affine = volume.grid.affine @ from_matvec(np.eye(3), box.start)
    kept = _means(inside, view.block)[0] >= 0.5
    return entry_of(_means(images, view.block), kept, affine, view.layout, volume.notes)


def _means(images: Tensor, block: int) -> Tensor:
    return F.avg_pool3d(images, block) if block > 1 else images
