"""Likeness: features of one place in two modalities, compared with other places and with another subject."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from anysyn.probes.content.agreement import Agreement, agreement
from anysyn.probes.content.features import Maps

MEASURES = ("correlation", "concordance")
WITH = {
    "same": "the same place",
    "other_slice": "other places of the same subject",
    "other_subject": "the same place in another subject",
}
LEFT_ON = ", contrast left on"
VALUES = tuple(f"{measure}_{name}" for measure in MEASURES for name in WITH)
SHARES = ("above_other_slice", "above_other_subject")


def compare_tiles(own: Sequence[Maps], other: Sequence[Maps], names: Sequence[str], label: str) -> list[dict[str, Any]]:
    """Compare each tile of a subject with itself, with its others, and with the nearest place of another subject.

    Args:
        own: The subject's.
        other: Those of another subject; if there are none, their columns are NaN.
        names: The M modalities of the recipe.
        label: Of the encoder. If it ends with a scale and a shift of each channel, the features before them have rows
            of their own.

    Returns:
        A row for each tile and two of its modalities, in the order of the recipe: encoder, tile, first, second and
        `VALUES`. Different places are compared in both directions. One modality with itself at the same place is no
        comparison and NaN.
    """
    rows = list(_rows(own, other, names, label))
    if own[0].contrast is not None:
        before, others_before = ([tile.before() for tile in tiles] for tiles in (own, other))
        rows += _rows(before, others_before, names, label + LEFT_ON)
    return rows


def find_nearest(tile: Maps, others: Sequence[Maps]) -> Maps:
    """Return the tile whose centre lies nearest, in shares of the volume.

    Args:
        tile: Whose place counts.
        others: Where to look.
    """
    return min(others, key=lambda other: math.dist(other.place, tile.place))


def compare_modalities(first: Maps, second: Maps, modalities: int) -> Agreement:
    """Compare two tiles, each modality with each, in the cells that are foreground in both.

    Args:
        first: One tile.
        second: Another, or the same.
        modalities: M.

    Returns:
        (M, M) each, NaN where a modality is absent.
    """
    inside = first.inside & second.inside  # (N,)
    rows, columns = torch.tensor(first.modalities).unsqueeze(1), torch.tensor(second.modalities)
    tables = [_unknown(modalities) for _ in MEASURES]
    measured = agreement(first.features[:, :, inside], second.features[:, :, inside])
    for table, values in zip(tables, measured, strict=True):
        table[rows, columns] = values
    return Agreement(*tables)


def summarise_tiles(tiles: pd.DataFrame) -> pd.DataFrame:
    """Average the likeness of two modalities of a place, and count how often it is above that of other places.

    Args:
        tiles: What `compare_tiles` returned, of many subjects.

    Returns:
        Columns encoder, measure, pairs, `WITH` and `SHARES`, a row for each encoder and measure. The means are over
        tiles and pairs of different modalities, and the shares are of those that are more alike than the same two
        modalities of other places, or of another subject.

    Example:
        >>> row = {"encoder": "a", "first": "T1w", "second": "T2w"} | dict.fromkeys(VALUES, 0.5)
        >>> table = summarise_tiles(pd.DataFrame([row | {"correlation_same": 0.9}, row | {"correlation_same": 0.4}]))
        >>> table.loc[0, ["same", "other_subject", "above_other_subject"]].tolist()
        [0.65, 0.5, 0.5]
    """
    apart = tiles[tiles["first"] != tiles["second"]]
    return pd.DataFrame(
        [
            {"encoder": encoder, "measure": measure, "pairs": len(part)} | _means(part, measure)
            for encoder, part in apart.groupby("encoder", sort=False)
            for measure in MEASURES
        ]
    )


def average_pairs(tiles: pd.DataFrame) -> pd.DataFrame:
    """Average over the tiles, for each encoder and two modalities.

    Args:
        tiles: What `compare_tiles` returned, of many subjects.

    Returns:
        Columns encoder, first, second, tiles and `VALUES`.
    """
    grouped = tiles.groupby(["encoder", "first", "second"], sort=False)
    means = grouped[list(VALUES)].mean()
    return means.assign(tiles=grouped.size()).reset_index()[["encoder", "first", "second", "tiles", *VALUES]]


def _rows(own: Sequence[Maps], other: Sequence[Maps], names: Sequence[str], label: str) -> Iterator[dict[str, Any]]:
    for n, tile in enumerate(own):
        elsewhere = [compare_modalities(tile, place, len(names)) for m, place in enumerate(own) if m != n]
        another = [compare_modalities(tile, find_nearest(tile, other), len(names))] if other else []
        tables = dict[str, Tensor]()
        for measure, same in compare_modalities(tile, tile, len(names))._asdict().items():
            tables[f"{measure}_same"] = same.fill_diagonal_(float("nan"))
            tables[f"{measure}_other_slice"] = _both_ways(elsewhere, measure, len(names))
            tables[f"{measure}_other_subject"] = _both_ways(another, measure, len(names))
        for i, first in enumerate(tile.modalities):
            for second in tile.modalities[i:]:
                about = {"encoder": label, "tile": n, "first": names[first], "second": names[second]}
                yield about | {name: float(tables[name][first, second]) for name in VALUES}


def _both_ways(comparisons: Sequence[Agreement], measure: str, modalities: int) -> Tensor:
    """Average over comparisons of different places, in both directions: (M, M), NaN if there is none."""
    tables = [getattr(one, measure) for one in comparisons]
    return torch.stack([_unknown(modalities), *tables, *(table.T for table in tables)]).nanmean(0)


def _unknown(modalities: int) -> Tensor:
    return torch.full((modalities, modalities), float("nan"), dtype=torch.float64)


def _means(part: pd.DataFrame, measure: str) -> dict[str, float]:
    values = {name: part[f"{measure}_{name}"].to_numpy(dtype=np.float64) for name in WITH}
    means = {name: _mean_of(known) for name, known in values.items()}
    shares = {f"above_{name}": _share(values["same"], values[name]) for name in ("other_slice", "other_subject")}
    return means | shares


def _mean_of(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _share(values: np.ndarray[Any, np.dtype[np.float64]], others: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return _mean_of(np.where(np.isnan(values - others), math.nan, values > others))
