"""What the tables of a batch must look like."""

from __future__ import annotations

import torch
from torch import Tensor


def check_batch(images: Tensor, available: Tensor, dataset: Tensor, spacing: Tensor) -> None:
    """Refuse tables that do not belong to the images.

    Args:
        images: (B, M, *S).
        available: (B, M) bool.
        dataset: (B, N).
        spacing: (B, dims).

    Raises:
        ValueError: If one is of another shape or type; the message gives the place, the value and what it should be.

    Example:
        >>> check_batch(torch.zeros(2, 3, 8, 8), torch.ones(2, 3), torch.ones(2, 1), torch.ones(2, 2))
        Traceback (most recent call last):
        ValueError: Batch.available torch.float32: give bool, True where the sample has the modality
    """
    size, modalities, *axes = images.shape
    if available.dtype != torch.bool:
        raise ValueError(f"Batch.available {available.dtype}: give bool, True where the sample has the modality")
    if available.dim() != 2 or available.shape[0] != size or available.shape[1] != modalities:
        raise ValueError(
            f"Batch.available {tuple(available.shape)}: give (B, M), as the images {tuple(images.shape)} begin"
        )
    if dataset.dim() != 2 or dataset.shape[0] != size:
        raise ValueError(
            f"Batch.dataset {tuple(dataset.shape)}: give (B, N) mixing weights, one-hot for a known dataset"
        )
    if spacing.dim() != 2 or spacing.shape[0] != size or spacing.shape[1] != len(axes):
        raise ValueError(
            f"Batch.spacing {tuple(spacing.shape)}: give (B, {len(axes)}) voxel sizes in mm, one for each axis of "
            f"the images {tuple(images.shape)}"
        )
