"""Findings: what was measured of embeddings, content and image-text alignment, found and read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.errors import UserError
from anysyn.probes.content.alpha_beta import KEYS
from anysyn.probes.content.likeness import SHARES, VALUES, WITH
from anysyn.probes.findings import RECORD
from anysyn.training.folder import RunFolder

WORDS = (
    *("subject", "dataset", "modality", "encoder", "first", "second", "of", "in_training", "found", "description"),
    *("sweep", "method", "sources", "target", "key", "measure", "task", "region", "missing", "to"),
)
# An empty cell is no number here, and a word elsewhere.
NUMBERS = (
    *("same_slice", "other_slice", "other_subject", "correlation", "correlation_within", "slope_within"),
    *(*VALUES, *WITH, *SHARES, *KEYS),
    *("dice", "dice_sd", "agreement"),
)


@dataclass(frozen=True)
class Findings:
    """Hold what an evaluation found beside its tables of syntheses.

    Args:
        folder: Where it lies.
        record: What was asked for, and what failed.
        tables: By the name of the file.
    """

    folder: Path
    record: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]


def find_findings(run: RunFolder, results: str | Path | None, what: str) -> Path | None:
    """Return the folder of one kind of findings: in the results named, or in the run's latest, or None.

    Args:
        run: The run. Where its ``evaluation.json`` leads nowhere, its own ``evaluation`` counts.
        results: A folder of results.
        what: Name of the folder in it.

    Example:
        >>> find_findings(RunFolder(Path("nowhere")), None, "embeddings") is None
        True
    """
    pointer, own = run.path / "evaluation.json", run.path / "evaluation"
    latest = run.path / run.read(pointer.name)["results"] if pointer.is_file() else own
    folders = [Path(results)] if results is not None else [latest, own]
    return next((folder / what for folder in folders if (folder / what / RECORD).is_file()), None)


def read_findings(folder: Path, names: Mapping[str, Sequence[str]]) -> Findings:
    """Read findings.

    Args:
        folder: What `find_findings` returned.
        names: By the name of a table, the columns that it has to have.

    Raises:
        UserError: If a file cannot be read or lacks a column.
    """
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        tables = {name: _read(folder / f"{name}.csv", columns) for name, columns in names.items()}
        _ = record["data"], record["split"], record["failures"], record["notes"]
    except (OSError, ValueError, KeyError, TypeError) as error:  # pandas and JSON raise kinds of ValueError
        raise UserError(f"{folder}: its findings cannot be read ({error}); evaluate again") from error
    return Findings(folder, record, tables)


def _read(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    table = pd.read_csv(
        path, dtype=dict.fromkeys(WORDS, str), keep_default_na=False, na_values={name: [""] for name in NUMBERS}
    )
    missing = [name for name in columns if name not in table]
    if missing:
        raise ValueError(f"{path.name} has no column {', '.join(missing)}")
    return table
