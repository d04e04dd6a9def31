"""Embedded: the slices of a cohort as encoders embed them, gathered and summarised."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from sklearn.decomposition import PCA
from torch import Tensor

from anysyn.data.views import View
from anysyn.data.volumes.study import Study
from anysyn.evaluation.errors import EvaluationError
from anysyn.objectives.embedding import embed
from anysyn.probes.embeddings.cosines import cosine_table, mean_cosines
from anysyn.probes.study_batches import batches_of, full_tiles
from anysyn.synthesizer import Synthesizer


@dataclass
class Embedded:
    """Hold the embeddings of slices, which come subject by subject.

    Args:
        vectors: By encoder, for each subject (N, M, C).
        available: For each subject (N, M) bool.
        slices: One for each slice: subject, dataset and number of the slice.
    """

    vectors: dict[str, list[Tensor]]
    available: list[Tensor] = field(default_factory=list)
    slices: list[dict[str, Any]] = field(default_factory=list)

    def add(self, study: Study, found: Mapping[str, Tensor], available: Tensor) -> None:
        """Add the slices of one subject, once every encoder has seen them."""
        for label, vectors in found.items():
            self.vectors[label].append(vectors)
        self.available.append(available)
        about = {"subject": study.key, "dataset": study.dataset}
        self.slices += [about | {"slice": number} for number in range(len(available))]

    @property
    def subjects(self) -> Tensor:
        """Return (N,), the number of the subject of each slice."""
        counts = torch.tensor([len(available) for available in self.available])
        return torch.arange(len(counts)).repeat_interleave(counts)  # (N,)


@torch.inference_mode()
def embed_study(
    model: Synthesizer,
    study: Study,
    *,
    view: View,
    modalities: Sequence[str],
    fabric: Fabric,
    size: int,
    dataset: Tensor | None = None,
) -> Tensor:
    """Embed every slice of a study in every modality that it has.

    Args:
        model: Whose encoder embeds.
        study: Prepared images.
        view: What a slice is.
        modalities: M names in the order of the recipe.
        fabric: Device and precision.
        size: Slices at once.
        dataset: (1, N) mixing weights, as `LoadedRun.dataset_weights` returns them; one dataset by default.

    Returns:
        (N, M, C) on the CPU, of length one, and zero where a modality is absent.
    """
    held = [number for number, name in enumerate(modalities) if name in study.images]
    rows = []
    given: dict[str, Any] = {"view": view, "modalities": modalities, "size": size, "dataset": dataset}
    for batch in batches_of(study, full_tiles(study, view), **given):
        with fabric.autocast():
            moved = batch.to(fabric.device)
            found = {number: embed(model, moved, number)[0].float().cpu() for number in held}  # (B, C) each
        blank = torch.zeros_like(found[held[0]])
        rows.append(torch.stack([found.get(number, blank) for number in range(len(modalities))], 1))  # (B, M, C)
    return torch.cat(rows)  # (N, M, C)


def summarise(embedded: Embedded, names: Sequence[str]) -> tuple[dict[str, pd.DataFrame], dict[str, list[float]]]:
    """Summarise the embeddings of each encoder by mean cosines and by two principal components.

    Args:
        embedded: The embeddings.
        names: M modalities.

    Returns:
        The tables ``cosines`` and ``coordinates``, and by encoder the share of the variance along each component.
    """
    available, cosines, coordinates, shares = torch.cat(embedded.available), [], [], {}
    where = available.nonzero()  # (V, 2)
    about = pd.DataFrame([embedded.slices[n] | {"modality": names[m]} for n, m in where.tolist()])
    for label, parts in embedded.vectors.items():
        vectors = torch.cat(parts)  # (N, M, C)
        cosines.append(cosine_table(label, mean_cosines(vectors, available, embedded.subjects), names))
        points, shares[label] = project(vectors[available])  # (V, 2)
        table = about.assign(x=points[:, 0].numpy(), y=points[:, 1].numpy())
        table.insert(0, "encoder", label)
        coordinates.append(table)
    tables = {"cosines": pd.concat(cosines, ignore_index=True), "coordinates": pd.concat(coordinates)}
    return tables, {label: list(pair) for label, pair in shares.items()}


def project(vectors: Tensor) -> tuple[Tensor, tuple[float, float]]:
    """Project embeddings on their two principal components.

    Args:
        vectors: (N, C), at least two of them.

    Returns:
        (N, 2) coordinates, and the share of the variance along each axis.

    Raises:
        EvaluationError: If there are fewer than two embeddings, or all are the same.

    Example:
        >>> points, shares = project(torch.tensor([[0.0, 0.0, 1.0], [2.0, 0.0, 1.0], [4.0, 0.0, 1.0]]))
        >>> [round(abs(x), 6) for x in points[:, 0].tolist()], shares
        ([2.0, 0.0, 2.0], (1.0, 0.0))
    """
    values = vectors.double().cpu().numpy()
    if len(values) < 2 or not np.ptp(values, axis=0).any():
        raise EvaluationError(
            f"{len(values)} embeddings, all alike, have no principal components; evaluate more slices"
        )
    fitted = PCA(n_components=2, svd_solver="full")
    points = torch.from_numpy(fitted.fit_transform(values))  # (N, 2)
    first, second = (float(share) for share in fitted.explained_variance_ratio_)
    return points, (first, second)
