"""Likeness: the content of one place seen in two modalities, beside that of another place and of another person."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from anysyn.evaluation.tables.format import number
from anysyn.probes.content.agreement import Agreement, agreement
from anysyn.probes.content.features import Maps

MEASURES = ("correlation", "concordance")
WITH = {
    "same": "the same place",
    "other_slice": "other places of the same subject",
    "other_subject": "the same place in another subject",
}
LEFT_ON = ", contrast left on"
ABOUT = ("encoder", "subject", "dataset", "tile", "first", "second")
VALUES = tuple(f"{measure}_{name}" for measure in MEASURES for name in WITH)
SHARES = ("above_other_slice", "above_other_subject")
SUMMARY = ("encoder", "measure", "pairs", *WITH, *SHARES)


def tile_rows(own: Sequence[Maps], other: Sequence[Maps], names: Sequence[str], label: str) -> list[dict[str, Any]]:
    """Compare each tile of a subject with itself, with the others, and with the nearest place of another subject.

    Args:
        own: The subject's.
        other: Somebody else's; none, and those columns are NaN.
        names: The M modalities of the recipe.
        label: Of the encoder. Where the encoder ends with a scale and a shift of each channel, what was before it has
            rows of its own.

    Returns:
        A row for each tile and two of its modalities, in the order of the recipe: encoder, tile, first, second and
        `VALUES`. Different places are compared in both directions. One modality with itself at the same place is no
        comparison and NaN.
    """
    whole = [(label, own, other)]
    if own[0].contrast is not None:
        whole.append((label + LEFT_ON, [one.before() for one in own], [one.before() for one in other]))
    return [row for name, mine, theirs in whole for row in _rows(mine, theirs, names, name)]


def nearest(tile: Maps, others: Sequence[Maps]) -> Maps:
    """Return the tile whose centre lies nearest, in shares of the volume.

    Args:
        tile: Whose place counts.
        others: Where to look.
    """
    return min(others, key=lambda one: math.dist(one.place, tile.place))


def compared(first: Maps, second: Maps, modalities: int) -> Agreement:
    """Compare two tiles, each modality with each, in the cells that are foreground in both.

    Args:
        first: One tile.
        second: Another, or the same.
        modalities: M.

    Returns:
        (M, M) each, NaN where a modality is absent.
    """
    inside = first.inside & second.inside  # (N,)
    found = agreement(first.features[:, :, inside], second.features[:, :, inside])
    rows, columns = torch.tensor(first.held).unsqueeze(1), torch.tensor(second.held)
    whole = [torch.full((modalities, modalities), float("nan"), dtype=torch.float64) for _ in found]
    for table, values in zip(whole, found, strict=True):
        table[rows, columns] = values
    return Agreement(*whole)


def summary(tiles: pd.DataFrame) -> pd.DataFrame:
    """Summarise what different modalities make of a place: how alike, and how often more so than of another place.

    Args:
        tiles: What `tile_rows` returned, of many subjects.

    Returns:
        Columns `SUMMARY`, a row for each encoder and measure. The means are over tiles and pairs of different
        modalities, and the shares are of those that are more alike than the same two modalities of other places, or of
        another subject.

    Example:
        >>> row = {"encoder": "a", "first": "T1w", "second": "T2w"} | dict.fromkeys(VALUES, 0.5)
        >>> table = summary(pd.DataFrame([row | {"correlation_same": 0.9}, row | {"correlation_same": 0.4}]))
        >>> table.loc[0, ["same", "other_subject", "above_other_subject"]].tolist()
        [0.65, 0.5, 0.5]
    """
    apart = tiles[tiles["first"] != tiles["second"]]
    return pd.DataFrame(
        [
            {"encoder": encoder, "measure": measure, "pairs": len(part)} | _summed(part, measure)
            for encoder, part in apart.groupby("encoder", sort=False)
            for measure in MEASURES
        ],
        columns=list(SUMMARY),
    )


def by_modalities(tiles: pd.DataFrame) -> pd.DataFrame:
    """Average over the tiles, for each encoder and two modalities.

    Args:
        tiles: What `tile_rows` returned, of many subjects.

    Returns:
        Columns encoder, first, second, tiles and `VALUES`.
    """
    grouped = tiles.groupby(["encoder", "first", "second"], sort=False)
    means = grouped[list(VALUES)].mean()
    return means.assign(tiles=grouped.size()).reset_index()[["encoder", "first", "second", "tiles", *VALUES]]


def summary_headings() -> list[str]:
    """Head the columns of a summary for a reader."""
    return ["encoder", "measure", *WITH.values(), "above other places", "above another subject"]


def summary_cells(table: pd.DataFrame) -> list[list[str]]:
    """Write a summary for a reader.

    Args:
        table: As `summary` returns it.
    """
    return [
        [
            *(str(row[name]) for name in ("encoder", "measure")),
            *(number(row[name], 3) for name in WITH),
            *(_percent(row[name]) for name in SHARES),
        ]
        for row in table.to_dict("records")
    ]


def _rows(own: Sequence[Maps], other: Sequence[Maps], names: Sequence[str], label: str) -> Iterator[dict[str, Any]]:
    nothing = torch.full((len(names), len(names)), float("nan"), dtype=torch.float64)
    for n, tile in enumerate(own):
        same = compared(tile, tile, len(names))
        beside = [compared(tile, one, len(names)) for m, one in enumerate(own) if m != n]
        tables = dict[str, Tensor]()
        theirs = compared(tile, nearest(tile, other), len(names)) if other else Agreement(nothing, nothing)
        for place, measure in enumerate(MEASURES):
            tables[f"{measure}_same"] = same[place].fill_diagonal_(float("nan"))
            tables[f"{measure}_other_slice"] = _mean(
                [nothing, *(table for one in beside for table in (one[place], one[place].T))]
            )
            tables[f"{measure}_other_subject"] = _mean([theirs[place], theirs[place].T])
        for i, first in enumerate(tile.held):
            for second in tile.held[i:]:
                about = {"encoder": label, "tile": n, "first": names[first], "second": names[second]}
                yield about | {name: float(tables[name][first, second]) for name in VALUES}


def _mean(tables: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(tables)).nanmean(0)


def _summed(part: pd.DataFrame, measure: str) -> dict[str, float]:
    values = {name: part[f"{measure}_{name}"].to_numpy(dtype=np.float64) for name in WITH}
    means = {name: _mean_of(held) for name, held in values.items()}
    shares = {f"above_{name}": _share(values["same"], values[name]) for name in ("other_slice", "other_subject")}
    return means | shares


def _mean_of(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _share(values: np.ndarray[Any, np.dtype[np.float64]], others: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return _mean_of(np.where(np.isnan(values - others), math.nan, values > others))


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{number(100 * share, 1)} %"
