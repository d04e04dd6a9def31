"""Maps: the features of a tile on a small grid inside the foreground, so that any two tiles can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from anysyn.data.geometry.boxes import Box
from anysyn.data.views import View
from anysyn.data.volumes.study import Study
from anysyn.nn.arithmetic import Affine
from anysyn.objectives.embedding import alone
from anysyn.probes.study_batches import batches_of, full_tiles
from anysyn.synthesizer import Synthesizer
from anysyn.training.devices import Hardware
from anysyn.types import Batch

CELLS = {2: 32, 3: 16}  # along each axis of the grid, by the voxel axes of the network
SITE = "encoder/out"
HALF = 0.5


@dataclass(frozen=True)
class Maps:
    """The features of a tile, of every modality that it has.

    Args:
        place: Its centre in shares of the volume, along X, Y, Z.
        inside: (N,) bool, the cells that lie inside the foreground.
        modalities: The numbers of its H modalities.
        features: (H, C, N), zero outside.
        contrast: The scale and shift of each channel at the end of the encoder, (H, C) each; None if there is none.
    """

    place: tuple[float, ...]
    inside: Tensor
    modalities: tuple[int, ...]
    features: Tensor
    contrast: Affine | None

    def before(self) -> Maps:
        """Return the features as they were before that scale and shift."""
        if self.contrast is None:
            return self
        scale, shift = (part.unsqueeze(2) for part in self.contrast)  # (H, C, 1)
        return replace(self, features=(self.features - shift) / scale, contrast=None)


@torch.inference_mode()
def encode_tiles(
    model: Synthesizer,
    study: Study,
    *,
    view: View,
    modalities: Sequence[str],
    hardware: Hardware,
    size: int,
    most: int,
    dataset: Tensor | None = None,
) -> list[Maps]:
    """Encode tiles of a study, from each of its modalities alone.

    Args:
        model: Whose encoder counts, with the conditioners on its side.
        study: Prepared images.
        view: What a tile is.
        modalities: Names in the order of the recipe.
        hardware: Device and precision.
        size: Tiles at once.
        most: How many tiles, evenly spread over the study.
        dataset: What the network is conditioned on, as `LoadedRun.dataset_weights` returns it; the first by default.

    Returns:
        The maps of each tile, on the CPU.
    """
    available = tuple(number for number, name in enumerate(modalities) if name in study.images)
    boxes, tiles = spread_evenly(full_tiles(study, view), most), list[Maps]()
    for n, batch in enumerate(batches_of(study, boxes, view=view, modalities=modalities, size=size, dataset=dataset)):
        own = boxes[n * size : (n + 1) * size]
        inside = torch.stack([view.take(study.foreground[None].float(), box)[0] for box in own])  # (B, *S)
        with hardware.autocast():
            moved = batch.to(hardware.device)
            encoded = [_encode(model, moved, number, inside) for number in available]
        features, within, contrasts = zip(*encoded, strict=True)  # (B, C, N), (B, N), a scale and a shift for each
        contrast = _stack(contrasts)
        for row, box in enumerate(own):
            rest = contrast and Affine(*(part[row] for part in contrast))
            tiles.append(Maps(_place(box, study), within[0][row], available, torch.stack(features, 1)[row], rest))
    return tiles


def spread_evenly(boxes: Sequence[Box], most: int) -> list[Box]:
    """Keep some of the boxes, evenly spread over the list.

    Example:
        >>> [box.start[2] for box in spread_evenly([Box((0, 0, z), (4, 4, 1)) for z in range(9)], most=3)]
        [0, 4, 8]
    """
    if len(boxes) <= most:
        return list(boxes)
    return [boxes[round(n * (len(boxes) - 1) / max(most - 1, 1))] for n in range(most)]


def pool_cells(features: Tensor, foreground: Tensor, *, stride: int, cells: int) -> tuple[Tensor, Tensor]:
    """Average features over the foreground in each cell of a grid that spans the image.

    A cell counts if no cell around it is mostly background. Otherwise the outline of the head would be compared, which
    is the same in every modality, even in features that are nothing but edges.

    Args:
        features: (B, C, *F), of an image that was padded at its ends to a multiple of the stride.
        foreground: (B, *S), the share of each voxel; slices that are stacked as channels count along the first axis.
        stride: Voxels of the image for one of the features, along each axis.
        cells: Along each axis.

    Returns:
        (B, C, N), zero in cells that do not count, and (B, N) bool, the cells that count.

    Example:
        >>> features, foreground = torch.tensor([[[[1.0, 3.0, 5.0, 9.0]] * 2]]), torch.ones(1, 2, 4)
        >>> foreground[..., 3] = 0  # half a cell
        >>> means, inside = pool_cells(features, foreground, stride=1, cells=2)
        >>> means[0, 0].tolist(), inside[0].tolist()
        ([2.0, 5.0, 2.0, 5.0], [True, True, True, True])
    """
    shape = features.shape[2:]
    flat = foreground.mean(1) if foreground.ndim > len(shape) + 1 else foreground  # (B, *S)
    missing = [amount for n, m in zip(flat.shape[:0:-1], shape[::-1], strict=True) for amount in (0, m * stride - n)]
    weight = _average(F.pad(flat, missing).unsqueeze(1), shape)  # (B, 1, *F)
    grid = (cells,) * len(shape)
    share = _average(weight, grid)  # (B, 1, *G)
    means = _average(features * weight, grid) / share.clamp(min=torch.finfo(share.dtype).tiny)  # (B, C, *G)
    inside = _lowest(share) >= HALF
    return torch.where(inside, means, 0).flatten(2), inside.flatten(1)  # (B, C, N), (B, N)


def _average(images: Tensor, shape: Sequence[int]) -> Tensor:
    if len(shape) == 2:
        return F.adaptive_avg_pool2d(images, (shape[0], shape[1]))
    return F.adaptive_avg_pool3d(images, (shape[0], shape[1], shape[2]))


def _lowest(share: Tensor) -> Tensor:
    """Return the lowest value around each cell: (B, 1, *G) to the same; what is beyond the image does not count."""
    pool = F.max_pool2d if share.ndim == 4 else F.max_pool3d
    lowest: Tensor = -pool(-share, kernel_size=3, stride=1, padding=1)
    return lowest


def _encode(model: Synthesizer, batch: Batch, modality: int, inside: Tensor) -> tuple[Tensor, Tensor, Affine | None]:
    query = alone(batch, modality)
    features = model.encode(batch, query).deep.float().cpu()  # (B, C, *F)
    contrast = model.conditioners.modulate(model.conditioners.embed(batch, query)).affine(SITE)
    means, within = pool_cells(features, inside, stride=model.encoder.strides[-1], cells=CELLS[features.ndim - 2])
    return means, within, contrast


def _stack(contrasts: Sequence[Affine | None]) -> Affine | None:
    """Stack the scales and shifts of all modalities, (B, H, C) each; None if one has none, or none changes anything."""
    known = [one for one in contrasts if one is not None]
    if len(known) < len(contrasts) or all(bool((one.scale == 1).all() and (one.shift == 0).all()) for one in known):
        return None
    return Affine(*(torch.stack(parts, 1).float().cpu() for parts in zip(*known, strict=True)))


def _place(box: Box, study: Study) -> tuple[float, ...]:
    sizes = zip(box.start, box.size, study.grid.shape, strict=True)
    return tuple((start + length / 2) / whole for start, length, whole in sizes)
