"""What a run knows of itself, for its card."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anysyn.data.modalities import modality
from anysyn.files import read_json
from anysyn.recipe import Recipe
from anysyn.training.run_folder.folder import RunFolder

METRICS = ("psnr", "ssim", "mae")


@dataclass(frozen=True)
class Facts:
    """What a run knows of itself.

    Args:
        recipe: Name of the recipe.
        modalities: Its contrasts.
        families: MRI, CT or PET.
        parameters: Number of values that were learned.
        subjects: Number of the training subjects.
        datasets: Names of their datasets; the empty name of data without one is left out.
        study: How the scans of the training were prepared.
        scores: Results of its latest evaluation, as the notes write them.
        origin: What it was fine-tuned from; None if it was not.
        has: Further things that it holds, in words.
    """

    recipe: str
    modalities: list[str]
    families: list[str]
    parameters: int
    subjects: int
    datasets: list[str]
    study: dict[str, Any]
    scores: list[dict[str, Any]]
    origin: dict[str, Any] | None
    has: list[str]


def facts_of(run: RunFolder, recipe: Recipe, *, parameters: int, study: dict[str, Any], has: list[str]) -> Facts:
    """Gather what a run knows of itself.

    Args:
        run: The run folder.
        recipe: Its recipe.
        parameters: Number of values that were learned.
        study: How the scans of its training were prepared.
        has: Further things that it holds, in words.
    """
    names = list(recipe.modalities)
    origin = run.read("origin.json") if (run.path / "origin.json").is_file() else None
    return Facts(
        recipe=recipe.name,
        modalities=names,
        families=list(dict.fromkeys(modality(name).family for name in names)),
        parameters=parameters,
        subjects=trained_on(run),
        datasets=[name for name in run.read("datasets.json") if name],
        study=study,
        scores=list(scores_of(run.path / "evaluation")),
        origin=None if origin is None else {key: origin[key] for key in ("run", "weights")},
        has=has,
    )


def trained_on(run: RunFolder) -> int:
    """Return the number of training subjects; one that is listed several times with the same files counts once."""
    listed = run.path / "subjects.csv"
    if not listed.is_file():
        return len(run.read("split.json")["train"])
    with listed.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row.get("split") == "train"]
    return len({tuple(value for column, value in row.items() if column != "subject") for row in rows})


def scores_of(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the means of the network in results that `anysyn evaluate` wrote into a run; nothing if there are none.

    Args:
        folder: The results.

    Example:
        >>> list(scores_of(Path("nowhere")))
        []
    """
    try:
        record = read_json(folder / "protocol.json")
        with (folder / "table.csv").open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["method"] == "model"]
        where = "of the training's cohort" if record["data"] is None else "of another cohort"
        for row in rows:
            on = f"{row['cases']} subjects ({record['split']}) {where}, protocol {record['protocol']['name']}"
            metrics = {name: round(float(row[name]), 4) for name in METRICS if row.get(name)}
            yield {"on": on, "task": row["pair"].replace(":", " → "), "metrics": metrics}
    except (OSError, ValueError, KeyError, TypeError):
        return
