"""Pictures of validation samples during training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from anysyn.files import replacing
from anysyn.ops import pick
from anysyn.types import Batch, Query

ROWS = 6
TITLE = 12  # pixels above each image
ERROR = 4.0  # factor by which errors are brightened
WIDTH = 128  # least pixels of an image, so that its title fits


def draw(path: Path, batch: Batch, query: Query, prediction: Tensor, truth: Tensor, names: tuple[str, ...]) -> None:
    """Draw source, truth, prediction and error of the first samples, one row a sample.

    Args:
        path: The PNG.
        batch: The samples.
        query: Their sources and targets.
        prediction: (B, K, *S).
        truth: (B, K, *S).
        names: The recipe's modalities.
    """
    source = pick(batch.images, query.sources)  # (B, J, *S)
    rows = []
    for i in range(min(ROWS, len(prediction))):
        shown = "+".join(names[m] for m in query.sources[i].tolist())
        target = names[int(query.targets[i, 0])]
        error = (prediction[i, 0] - truth[i, 0]).abs() * ERROR  # (*S)
        panels = ((source[i, 0], shown), (truth[i, 0], target), (prediction[i, 0], "synthetic"), (error, "error x 4"))
        rows.append(np.hstack([_panel(image, title) for image, title in panels]))
    with replacing(path, overwrite=True) as file:
        Image.fromarray(np.vstack(rows)).save(file, format="png")


def _panel(image: Tensor, title: str) -> NDArray[np.uint8]:
    pixels = np.clip(_plane(image) * 255, 0, 255).astype(np.uint8)
    times = -(-WIDTH // pixels.shape[1])
    pixels = pixels.repeat(times, 0).repeat(times, 1)
    canvas = Image.new("L", (pixels.shape[1], pixels.shape[0] + TITLE))
    canvas.paste(Image.fromarray(pixels), (0, TITLE))
    ImageDraw.Draw(canvas).text((1, 0), title, fill=255)
    return np.asarray(canvas)


def _plane(image: Tensor) -> NDArray[np.float32]:
    flat = image.float().cpu()
    while flat.ndim > 2:  # the middle slice of a slab, the middle axial plane of a patch
        axis = 0 if flat.shape[0] < flat.shape[-1] else -1
        flat = flat.select(axis, flat.shape[axis] // 2)
    return np.rot90(flat.detach().numpy())  # anterior up
