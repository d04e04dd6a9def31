"""The slices of a cohort as encoders embed them: their mean cosines and their principal components."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from anysyn.data.views import View
from anysyn.data.volumes.study import Study
from anysyn.evaluation.errors import EvaluationError
from anysyn.objectives.embedding import embed
from anysyn.probes.embeddings.cosines import cosine_table, mean_cosines
from anysyn.probes.measurement import Measurement
from anysyn.probes.study_batches import batches_of, full_tiles
from anysyn.synthesizer import Synthesizer
from anysyn.training.devices import Hardware


@torch.inference_mode()
def embed_study(
    model: Synthesizer,
    study: Study,
    *,
    view: View,
    modalities: Sequence[str],
    hardware: Hardware,
    size: int,
    dataset: Tensor | None = None,
) -> Tensor:
    """Embed every slice of a study in every modality that it has.

    Args:
        model: Whose encoder embeds.
        study: Prepared images.
        view: What a slice is.
        modalities: M names in the order of the recipe.
        hardware: Device and precision.
        size: Slices at once.
        dataset: (1, N) mixing weights, as `LoadedRun.dataset_weights` returns them; one dataset by default.

    Returns:
        (N, M, C) on the CPU, of length one, and zero where a modality is absent.
    """
    present = [number for number, name in enumerate(modalities) if name in study.images]
    rows = []
    given: dict[str, Any] = {"view": view, "modalities": modalities, "size": size, "dataset": dataset}
    for batch in batches_of(study, full_tiles(study, view), **given):
        with hardware.autocast():
            moved = batch.to(hardware.device)
            vectors = {number: embed(model, moved, number)[0].float().cpu() for number in present}  # (B, C) each
        blank = torch.zeros_like(vectors[present[0]])
        rows.append(torch.stack([vectors.get(number, blank) for number in range(len(modalities))], 1))  # (B, M, C)
    return torch.cat(rows)  # (N, M, C)


def summarise_cosines(measurements: Sequence[Measurement], names: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """Average the cosines of the embeddings of each encoder.

    Args:
        measurements: Of each subject, the arrays ``available`` (N, M) and ``vectors/<label>`` (N, M, C).
        names: M modalities.
        labels: Of the encoders.

    Returns:
        As `cosine_table` writes them, one encoder below the other.
    """
    available = [torch.from_numpy(one.arrays["available"]) for one in measurements]
    counts = torch.tensor([len(rows) for rows in available])
    subjects = torch.arange(len(counts)).repeat_interleave(counts)  # (N,)
    return pd.concat(
        [
            cosine_table(label, mean_cosines(_vectors(measurements, label), torch.cat(available), subjects), names)
            for label in labels
        ],
        ignore_index=True,
    )


def project_slices(
    measurements: Sequence[Measurement], names: Sequence[str], labels: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, list[float]]]:
    """Project the embeddings of each encoder on their two principal components.

    Args:
        measurements: As for `summarise_cosines`, with the rows ``slices``.
        names: M modalities.
        labels: Of the encoders.

    Returns:
        The table ``coordinates``, and by encoder the share of the variance along each component.
    """
    available = torch.cat([torch.from_numpy(one.arrays["available"]) for one in measurements])  # (N, M)
    slices = [dict(row) for one in measurements for row in one.rows["slices"]]
    about = pd.DataFrame([slices[n] | {"modality": names[m]} for n, m in available.nonzero().tolist()])
    tables, shares = [], {}
    for label in labels:
        points, share = project(_vectors(measurements, label)[available])  # (V, 2)
        shares[label] = list(share)
        tables.append(about.assign(encoder=label, x=points[:, 0].numpy(), y=points[:, 1].numpy()))
    return pd.concat(tables, ignore_index=True), shares


def _vectors(measurements: Sequence[Measurement], label: str) -> Tensor:
    return torch.cat([torch.from_numpy(one.arrays[f"vectors/{label}"]) for one in measurements])  # (N, M, C)


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
