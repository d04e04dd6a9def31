"""Dice of what a segmenter outlines in one subject, with each modality real, absent or synthesized."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import pandas as pd
from monai.metrics import compute_dice
from torch import Tensor

from anysyn.data.volumes.study import Study
from anysyn.evaluation.tables.format import number
from anysyn.probes.lesion_segmentation.unet import Segmenters
from anysyn.probes.section import Grid
from anysyn.synthesis.completion.missing_contrasts import Trained
from anysyn.synthesis.loaded_run import LoadedRun

REAL, ABSENT, RETRAINED, SYNTHESIZED = "all real", "absent", "absent, retrained", "synthesized"
ALONE_REAL, ALONE = "alone, real", "alone, synthesized"  # segmenters that see one modality each
NONE = "none"
CASE: dict[str, type] = dict.fromkeys(("task", "region", "subject", "dataset", "missing", "method", "sources"), str)
CASE |= dict.fromkeys(("dice", "agreement", "truth_ml", "found_ml"), float)
SUMMARY: dict[str, type] = dict.fromkeys(("task", "region", "missing", "method", "sources"), str)
SUMMARY |= {"cases": int, "empty": int, "dice": float, "dice_sd": float, "agreement": float}
HEADINGS = ("region", "missing", "method", "from", "cases", "Dice", "agreement with all real")
CAPTION = (
    "Dice with the truth, mean ± standard deviation over subjects, and with what is outlined with all modalities real"
)


@dataclass(frozen=True)
class Outlined:
    """What was outlined with one modality missing.

    Args:
        missing: The modality; `NONE` if all are real.
        method: What is shown in its place.
        sources: What it was synthesized from, joined by ``+``; empty otherwise.
        masks: (R, X, Y, Z) bool.
        image: What is shown in its place, (X, Y, Z), or None.
    """

    missing: str
    method: str
    sources: str
    masks: Tensor
    image: Tensor | None = None


def outlined(run: LoadedRun, study: Study, segmenters: Segmenters, trained: Trained, batch: int) -> Iterator[Outlined]:
    """Outline the regions of a subject with all modalities real, and with each of them absent or synthesized.

    Args:
        run: What synthesizes.
        study: Prepared real images, all of the segmenter's inputs.
        segmenters: What outlines.
        trained: What the run was trained for.
        batch: Slices or patches at once.
    """
    whole = segmenters.whole
    real = {name: study.images[name] for name in whole.inputs}
    yield Outlined(NONE, REAL, "", whole.masks(real))
    for missing in whole.inputs:
        left = {name: image for name, image in real.items() if name != missing}
        yield Outlined(missing, ABSENT, "", whole.masks(left))
        if missing in segmenters.without:
            yield Outlined(missing, RETRAINED, "", segmenters.without[missing].masks(left))
        own = segmenters.alone.get(missing)
        if own is not None:
            yield Outlined(missing, ALONE_REAL, "", own.masks({missing: real[missing]}), real[missing])
        for sources in shown_for(missing, whole.inputs, trained):
            image = run.predict(study, sources, [missing], batch)[missing].float().cpu()
            masks = whole.masks({**left, missing: image})
            yield Outlined(missing, SYNTHESIZED, "+".join(sources), masks, image)
            if own is not None:
                yield Outlined(missing, ALONE, "+".join(sources), own.masks({missing: image}), image)


def reference_of(outlined: Outlined, others: Sequence[Outlined]) -> Tensor:
    """Return what the same segmenter outlines with everything that it is shown real, (R, X, Y, Z) bool.

    Args:
        outlined: What was outlined.
        others: All that was outlined in the subject, all modalities real first.
    """
    if outlined.method in (ALONE_REAL, ALONE):
        return next(one.masks for one in others if (one.missing, one.method) == (outlined.missing, ALONE_REAL))
    return others[0].masks


def shown_for(missing: str, inputs: Sequence[str], trained: Trained) -> list[tuple[str, ...]]:
    """List from which of the other modalities a missing one is synthesized.

    Args:
        missing: What is synthesized.
        inputs: What the segmenter is shown.
        trained: What the run was trained for.

    Returns:
        All others, once; every choice of as many as the training showed at once, where that is fewer; nothing where
        the run was not trained to answer it.

    Example:
        >>> names = ["T1w", "T2w", "FLAIR"]
        >>> shown_for("FLAIR", names, Trained(names, names, 3)), shown_for("FLAIR", names, Trained(names, names, 1))
        ([('T1w', 'T2w')], [('T1w',), ('T2w',)])
    """
    others = [name for name in inputs if name != missing and name in trained.sources]
    return list(combinations(others, min(trained.most, len(others)))) if others and missing in trained.targets else []


def dice(outlined: Tensor, truth: Tensor) -> list[float]:
    """Return the Dice coefficient of each region, ``2 |A and B| / (|A| + |B|)``, as MONAI computes it.

    Args:
        outlined: (R, X, Y, Z) bool.
        truth: (R, X, Y, Z) bool.

    Returns:
        NaN where the truth is empty: nothing can be found there, and 0 and 1 would both be arbitrary.

    Example:
        >>> import torch
        >>> truth = torch.tensor([1, 1, 0, 0]).reshape(1, 4, 1, 1) > 0
        >>> dice(truth.roll(1, 1), truth), dice(truth, truth & False)
        ([0.5], [nan])
    """
    values: list[float] = compute_dice(outlined[None].float(), truth[None].float())[0].tolist()
    return values


def rows_of(
    study: Study, task: str, regions: Sequence[str], truth: Tensor, outlined: Outlined, real: Tensor
) -> list[Any]:
    """Write a row for each region.

    Args:
        study: Whose images.
        task: Name of the task.
        regions: R names.
        truth: (R, X, Y, Z) bool.
        outlined: What was outlined.
        real: (R, X, Y, Z) bool, outlined with all modalities real: what PMM-Synth compares with.

    Returns:
        Rows with the columns `CASE`; volumes are in millilitres.
    """
    x, y, z = study.grid.spacing
    millilitres = x * y * z / 1000
    values = zip(regions, dice(outlined.masks, truth), dice(outlined.masks, real), truth, outlined.masks, strict=True)
    about = {"task": task, "subject": study.key, "dataset": study.dataset}
    about |= {"missing": outlined.missing, "method": outlined.method, "sources": outlined.sources}
    rows = [
        {**about, "region": region, "dice": value, "agreement": agreement}
        | {"truth_ml": float(own.sum()) * millilitres, "found_ml": float(mask.sum()) * millilitres}
        for region, value, agreement, own, mask in values
    ]
    return [{name: row[name] for name in CASE} for row in rows]


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Average the Dice over the subjects, for each region, missing modality and method.

    Args:
        rows: As `rows_of` writes them.

    Returns:
        Columns `SUMMARY`: ``cases`` are those whose truth is not empty, ``empty`` the others, which are in no mean;
        ``dice_sd`` is over cases (N - 1; NaN for one case).

    Example:
        >>> row = {name: "a" if kind is str else 0.5 for name, kind in CASE.items()}
        >>> table = summarise(pd.DataFrame([row, row | {"dice": 1.0}, row | {"dice": float("nan")}]))
        >>> table[["cases", "empty", "dice"]].values.tolist()
        [[2.0, 1.0, 0.75]]
    """
    keys = ["task", "region", "missing", "method", "sources"]
    means = []
    for key, part in rows.groupby(keys, sort=False):
        values = part["dice"].dropna()
        row = dict(zip(keys, key, strict=True)) | {"cases": len(values), "empty": len(part) - len(values)}
        means.append(row | {"dice": values.mean(), "dice_sd": values.std(), "agreement": part["agreement"].mean()})
    return pd.DataFrame(means).sort_values("region", key=_order, kind="stable", ignore_index=True)[[*SUMMARY]]


def _order(column: pd.Series[str]) -> pd.Series[int]:
    return column.map({name: place for place, name in enumerate(dict.fromkeys(column))})


def never_found(rows: pd.DataFrame) -> list[tuple[str, str, int]]:
    """List what the segmenter finds in nobody, though all modalities are real.

    Args:
        rows: As `rows_of` writes them.

    Returns:
        Task, region, and how many subjects have it in truth.

    Example:
        >>> row = {name: REAL if kind is str else 0.0 for name, kind in CASE.items()}
        >>> never_found(pd.DataFrame([row, row | {"dice": float("nan")}]))
        [('all real', 'all real', 1)]
    """
    real = rows[(rows["method"] == REAL) & rows["dice"].notna()]
    regions = real.groupby(["task", "region"], sort=False)["dice"]
    return [(str(task), str(region), len(values)) for (task, region), values in regions if not values.any()]


def summary_grid(summary: pd.DataFrame) -> list[Grid]:
    """Write a summary for a reader, a table for each task.

    Args:
        summary: As `summarise` returns it.
    """
    tasks = list(dict.fromkeys(summary["task"]))
    return [Grid(HEADINGS, _cells(summary[summary["task"] == task]), f"{CAPTION}: {task}.", words=4) for task in tasks]


def _cells(summary: pd.DataFrame) -> list[list[str]]:
    return [
        [
            *(str(row[name]) for name in ("region", "missing", "method", "sources", "cases")),
            f"{number(row['dice'], 3)} ± {number(row['dice_sd'], 3)}",
            number(row["agreement"], 3),
        ]
        for row in summary.to_dict("records")
    ]
