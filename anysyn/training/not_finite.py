"""Why numbers of a training are not finite: an image that is damaged, or the training itself."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch

from anysyn.data.records import Failure
from anysyn.errors import reason
from anysyn.types import Batch

MOST = 1e4  # prepared intensities are a few units; what lies beyond this is no anatomy


def damaged_images(batch: Batch) -> Iterator[str]:
    """Yield the sample, modality and voxel of each image of a batch that holds more than an image can.

    Args:
        batch: Prepared images.

    Example:
        >>> import torch
        >>> batch = Batch.complete(torch.tensor([[[0.5, 1.0], [0.5, 3e30]]]))
        >>> list(damaged_images(batch))
        ['image 1 of sample 0 holds 3e+30 after preparation']
    """
    images = batch.images.flatten(2)  # (B, M, V)
    known = [part.flatten(2) for part in (batch.values, batch.targets) if part is not None]  # (B, M, Q) or (B, M, V)
    voxels = torch.cat([images, *known], 2)
    beyond = ~(voxels.abs() <= MOST)  # (B, M, V), true for NaN too
    for sample, number in beyond.any(2).nonzero().tolist():
        value = float(voxels[sample, number][beyond[sample, number]][0])
        yield f"{_name(batch, sample, number)} holds {value:g} after preparation"


def refuse_loss(terms: Mapping[str, float], batch: Batch) -> None:
    """Stop a training at a loss that is not finite, or that a damaged image made huge.

    Args:
        terms: Of the loss, by name.
        batch: Prepared images that it is of.

    Raises:
        FloatingPointError: If a term is not finite or an image is damaged; it names the image, or else the batch.

    Example:
        >>> refuse_loss({"l1": 2e4}, Batch.complete(torch.ones(1, 2, 4)))
        >>> refuse_loss({"l1": float("nan")}, Batch.complete(torch.ones(1, 2, 4)))
        Traceback (most recent call last):
        FloatingPointError: the loss is not finite (l1 nan) on sample 0; lower the learning rate
    """
    values = ", ".join(f"{name} {term:.3g}" for name, term in terms.items())
    if images := list(damaged_images(batch)):
        raise FloatingPointError(f"the training stopped ({values}): {_to_mend(images)}")
    if not all(map(math.isfinite, terms.values())):
        where = ", ".join(batch.keys or [f"sample {number}" for number in range(len(batch.images))])
        raise FloatingPointError(f"the loss is not finite ({values}) on {where}; lower the learning rate")


def _to_mend(images: Sequence[str]) -> str:
    return f"{'; '.join(images)}; mend or remove {'it' if len(images) == 1 else 'them'}, and train anew"


def refuse_damaged_images(batch: Batch) -> None:
    """Stop if an image explains why the validation is not finite: that of every epoch would be the same.

    Args:
        batch: Prepared images, whose loss is not finite.

    Raises:
        FloatingPointError: If an image holds more than an image can.
    """
    if images := list(damaged_images(batch)):
        raise FloatingPointError(f"the training stopped at its validation: {_to_mend(images)}")


def validation_failures(log: Path) -> list[Failure]:
    """List the stages of a run with a validation that was not finite, which no weights were chosen by.

    Args:
        log: The run's ``validation.csv``; a run without validation has none.

    Example:
        >>> validation_failures(Path("nowhere.csv"))
        []
    """
    if not log.is_file():
        return []
    try:
        with log.open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if not math.isfinite(float(row["value"]))]
        first = {row["stage"]: row for row in reversed(rows)}
        return [Failure(f"stage {stage}", log, _said(row)) for stage, row in first.items()]
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        return [Failure("validation", log, f"it is not a log that a training wrote ({reason(error)})")]


def _said(row: dict[str, str]) -> str:
    epoch = int(row["epoch"]) + 1
    return (
        f"the validation of epoch {epoch} is not finite ({row['term']} {row['value']}), so its weights were not chosen"
    )


def _name(batch: Batch, sample: int, number: int) -> str:
    record = batch.acquisitions[sample][number] if batch.acquisitions else None
    image = f"image {number}" if record is None or record.modality is None else record.modality
    return f"{image} of {batch.keys[sample] if batch.keys else f'sample {sample}'}"
