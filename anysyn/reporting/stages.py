"""Stages: the logs and the sample pictures of a training, stage by stage."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image, UnidentifiedImageError

from anysyn.errors import UserError
from anysyn.figures.pictures import Picture, data_uri
from anysyn.files import read_regular
from anysyn.files.arrays import read_table
from anysyn.reporting.curves import curves
from anysyn.text.escaping import word_of
from anysyn.training.run_folder.folder import RunFolder

TRAINING = ("stage", "epoch", "batch", "term", "value", "speed")
VALIDATION = ("stage", "epoch", "term", "value")
NUMBERS = ("epoch", "batch", "value", "speed")
COUNTS, MOST_COUNTED = ("epoch", "batch"), 1e9  # a log of anything beyond was not written by a training
MOST_PICTURE = 50_000_000  # bytes
SAMPLE = re.compile(r"(\d+)-(.+)-(\d+)\.png")  # number of the stage, its name, epochs


@dataclass(frozen=True)
class Stage:
    """What the page shows of a stage: how far it went in words, its curves, and its last sample after some epochs."""

    name: str
    about: str
    curves: Picture | None
    sample: Picture | None
    epochs: int


def stages_of(run: RunFolder, recipe: Mapping[str, Any]) -> list[Stage]:
    """Gather the stages of a recipe with what the run folder holds of them.

    Raises:
        UserError: If a log cannot be read.
    """
    training, validation = read_log(run.log, TRAINING), read_log(run.validation, VALIDATION)
    samples = last_samples(run.path / "samples")
    return [_stage(spec, training, validation, samples.get(number)) for number, spec in enumerate(recipe["stages"])]


def read_log(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    """Read the columns of a CSV log, which has no rows if it is missing; a row that is being written is left out.

    Raises:
        UserError: If it is something else.

    Example:
        >>> len(read_log(Path("nowhere.csv"), VALIDATION))
        0
    """
    if not path.is_file() or path.stat().st_size == 0:
        return pd.DataFrame(columns=list(columns))
    try:
        words = dict.fromkeys(("stage", "term"), str)
        rows = read_table(path, dtype=words, keep_default_na=False, usecols=list(columns), on_bad_lines="skip")
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{path}: not a log of a training ({reason}); move it away, and the report does without"
        ) from error
    numbers = {name: pd.to_numeric(rows[name], errors="coerce") for name in columns if name in NUMBERS}
    log = rows.assign(**numbers, **{name: rows[name].map(word_of) for name in words}).dropna()
    counted = log[[name for name in COUNTS if name in columns]]
    return log[((counted >= 0) & (counted <= MOST_COUNTED)).all(axis=1)]


def last_samples(folder: Path) -> dict[int, tuple[Path, int]]:
    """Find the last sample picture of each stage, and after how many epochs it was drawn, by the stage's number.

    Example:
        >>> last_samples(Path("nowhere"))
        {}
    """
    found: dict[int, tuple[Path, int]] = {}
    for path in sorted(folder.glob("*.png")):
        if match := SAMPLE.fullmatch(path.name):
            number, epochs = int(match[1]), int(match[3])
            if number not in found or epochs > found[number][1]:
                found[number] = path, epochs
    return found


def _stage(
    spec: Mapping[str, Any], training: pd.DataFrame, validation: pd.DataFrame, sample: tuple[Path, int] | None
) -> Stage:
    name = str(spec["name"])
    logged, validated = training[training["stage"] == name], validation[validation["stage"] == name]
    drawn = curves(logged, validated) if len(logged) else None
    picture, epochs = (None, 0) if sample is None else (_picture(*sample), sample[1])
    return Stage(name, _about(spec, logged, validated), drawn, picture, epochs)


def _about(spec: Mapping[str, Any], logged: pd.DataFrame, validated: pd.DataFrame) -> str:
    if logged.empty:
        return "Nothing of this stage is in the training log."
    text = f"{int(logged['epoch'].max()) + 1} of {spec['epochs']} epochs are in the log."
    if validated.empty:
        return f"{text} It was not validated."
    terms = validated.groupby("epoch")["term"].agg(frozenset)
    alike = validated["epoch"].map(terms) == terms.iloc[-1]  # a step may be active in some epochs only
    scores = validated[alike].groupby("epoch", as_index=False)["value"].sum()
    best = scores.loc[scores["value"].idxmin()]
    return f"{text} Lowest validation {best['value']:.4g}, after epoch {best['epoch'] + 1:.0f}."


def _picture(path: Path, epochs: int) -> Picture | None:
    try:
        content = read_regular(path, MOST_PICTURE)
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return None  # a picture that is just being written, or none of ours
    alt = f"Sources, truth, synthesis and error of validation samples after {epochs} epochs, a row each"
    return Picture(data_uri(content, "image/png"), alt, width, height)
