"""Sample pictures of a running training."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from anysyn.ops import pick
from anysyn.types import Batch, Query

ROWS = 6


def draw(path: Path, batch: Batch, query: Query, prediction: Tensor, truth: Tensor, names: tuple[str, ...]) -> None:
    """Draw source, truth, prediction and error of the first samples, a row each.

    Args:
        path: The PNG.
        batch: What exists.
        query: What was shown and asked.
        prediction: (B, K, *S).
        truth: (B, K, *S).
        names: The recipe's modalities.
    """
    from matplotlib.figure import Figure

    source = pick(batch.images, query.sources)  # (B, J, *S)
    rows = min(ROWS, len(prediction))
    figure = Figure(figsize=(8, 2 * rows), layout="constrained")
    axes = figure.subplots(rows, 4, squeeze=False)
    for i in range(rows):
        shown = "+".join(names[m] for m in query.sources[i].tolist())
        asked = names[int(query.targets[i, 0])]
        error = (prediction[i, 0] - truth[i, 0]).abs()  # (*S)
        panels = ((source[i, 0], shown, 1.0), (truth[i, 0], asked, 1.0), (prediction[i, 0], "synthetic", 1.0))
        for axis, (image, title, top) in zip(axes[i], (*panels, (error, "|error| x 4", 0.25)), strict=True):
            axis.imshow(_plane(image), cmap="gray", vmin=0, vmax=top)
            axis.set_title(title, fontsize=8)
            axis.axis("off")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def _plane(image: Tensor) -> Tensor:
    flat = image.float().cpu()
    while flat.ndim > 2:  # the middle slice of a slab, the middle axial plane of a patch
        flat = flat.select(0 if flat.shape[0] <= flat.shape[-1] else -1, min(flat.shape[0], flat.shape[-1]) // 2)
    return torch.rot90(flat)  # anterior up
