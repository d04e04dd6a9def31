"""Cosines: how alike embeddings are, of one slice in two modalities and of two slices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

LIKENESSES = {
    "same_slice": "the same slice",
    "other_slice": "another slice of the same subject",
    "other_subject": "a slice of another subject",
}


class Cosines(NamedTuple):
    """Carry mean cosines, each (M, M), NaN where there is no such pair of slices.

    Modality i of one slice is compared with modality j of the same slice, of another slice of the same subject, and of
    a slice of another subject.
    """

    same_slice: Tensor
    other_slice: Tensor
    other_subject: Tensor


def mean_cosines(vectors: Tensor, available: Tensor, subjects: Tensor) -> Cosines:
    """Average the cosine similarity (OmniSyn, Eq. 1) over all pairs of slices of each kind.

    A sum of scalar products is the scalar product of sums, so no pair is ever written down: of N slices the time is
    that of N products, not of N squared.

    Args:
        vectors: (N, M, C) of length one; what stands where a modality is absent is not read.
        available: (N, M) bool.
        subjects: (N,) int64, the number of each slice's subject.

    Example:
        >>> vectors = torch.tensor([[[1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.6, 0.8]]])  # two slices, two modalities
        >>> cosines = mean_cosines(vectors, torch.ones(2, 2, dtype=torch.bool), torch.tensor([0, 0]))
        >>> round(cosines.same_slice[0, 1].item(), 3), round(cosines.other_slice[0, 0].item(), 3)
        (0.9, 0.0)
    """
    present = available.double()  # (N, M)
    rows = torch.where(available.unsqueeze(2), vectors.double(), 0.0)  # (N, M, C)
    whose = F.one_hot(subjects).double()  # (N, P)
    by_subject, counts = torch.einsum("np,nmc->pmc", whose, rows), whose.T @ present  # (P, M, C), (P, M)
    slices, slice_pairs = torch.einsum("nac,nbc->ab", rows, rows), present.T @ present  # (M, M)
    inside, inside_pairs = torch.einsum("pac,pbc->ab", by_subject, by_subject), counts.T @ counts  # (M, M)
    everything, all_pairs = rows.sum(0) @ rows.sum(0).T, torch.outer(present.sum(0), present.sum(0))  # (M, M)
    return Cosines(
        _mean(slices, slice_pairs),
        _mean(inside - slices, inside_pairs - slice_pairs),
        _mean(everything - inside, all_pairs - inside_pairs),
    )


def _mean(total: Tensor, count: Tensor) -> Tensor:
    # Of no pairs the sum is zero but for rounding, which a plain division would make infinite.
    return torch.where(count > 0, total / count, float("nan"))


def cosine_table(encoder: str, cosines: Cosines, modalities: Sequence[str]) -> pd.DataFrame:
    """Write mean cosines as rows, one for each pair of modalities, a modality with itself included.

    Args:
        encoder: Whose embeddings they are.
        cosines: What `mean_cosines` returned.
        modalities: M names.

    Returns:
        Columns encoder, first, second, same_slice, other_slice, other_subject. A slice with itself is no comparison
        and left empty; two modalities of other slices are compared in both directions.

    Example:
        >>> half = torch.tensor([[1.0, 0.5], [0.5, 1.0]])
        >>> cosine_table("random", Cosines(half, half, half), ["T1w", "T2w"])["same_slice"].tolist()
        [nan, 0.5, nan]
    """
    pairs = [(i, j) for i in range(len(modalities)) for j in range(i, len(modalities))]
    rows = [
        {"encoder": encoder, "first": modalities[i], "second": modalities[j]}
        | {name: float(values[i, j]) for name, values in cosines._asdict().items()}
        for i, j in pairs
    ]
    table = pd.DataFrame(rows)
    table.loc[table["first"] == table["second"], "same_slice"] = float("nan")
    return table


def arranged(cosines: pd.DataFrame) -> tuple[list[str], list[tuple[str, list[tuple[str, list[float]]]]]]:
    """Arrange cosines as Table 5 of OmniSyn does: encoders side by side, a row for each pair of modalities.

    Slices that differ are compared in one modality, so that what is seen is the slice and not the modality.

    Args:
        cosines: As `cosine_table` writes them, for each encoder.

    Returns:
        The labels of the encoders, and for each likeness its title and its rows.

    Example:
        >>> row = {"encoder": "random", "same_slice": 0.9, "other_slice": 0.5, "other_subject": float("nan")}
        >>> table = pd.DataFrame([row | {"first": "T1w", "second": "T2w"}, row | {"first": "T1w", "second": "T1w"}])
        >>> arranged(table)[1]
        [('the same slice', [('T1w ↔ T2w', [0.9])]), ('another slice of the same subject', [('T1w', [0.5])])]
    """
    labels = list(dict.fromkeys(cosines["encoder"]))
    groups = [(title, list(_rows(cosines, name, labels))) for name, title in LIKENESSES.items()]
    return labels, [(title, rows) for title, rows in groups if rows]


def _rows(cosines: pd.DataFrame, name: str, labels: list[str]) -> Iterator[tuple[str, list[float]]]:
    alone = cosines["first"] == cosines["second"]
    chosen = cosines[~alone if name == "same_slice" else alone]
    for (first, second), part in chosen.groupby(["first", "second"], sort=False):
        values = [float(value) for value in part.set_index("encoder")[name].reindex(labels)]
        if any(value == value for value in values):  # one that is NaN has no such slices
            yield (f"{first} ↔ {second}" if name == "same_slice" else str(first)), values
