"""Levels of corruptions that were calibrated on the user's images, by severity."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from anysyn.errors import UserError
from anysyn.evaluation.degradation.corruptions import SEVERITIES


def read_levels(path: Path | None) -> dict[str, dict[str, float]]:
    """Read what ``calibrate.py --out`` wrote: of the input PSNRs of a corruption, the highest is minor.

    Args:
        path: CSV file with the columns corruption, level and wanted; nothing is read, if None.

    Returns:
        The level by corruption and severity.

    Raises:
        UserError: If a column is missing, or a corruption does not have one level for each severity.
    """
    if path is None:
        return {}
    rows = pd.read_csv(path)
    if missing := {"corruption", "level", "wanted"} - set(rows.columns):
        raise UserError(f"{path}: no column {', '.join(sorted(missing))}; write it with benchmarks/calibrate.py --out")
    found = {}
    for name, part in rows.groupby("corruption", sort=False):
        if len(part) != len(SEVERITIES):
            raise UserError(f"{path}: {name}: {len(part)} levels, not one each for {', '.join(SEVERITIES)}")
        levels = part.sort_values("wanted", ascending=False)["level"]
        found[str(name)] = dict(zip(SEVERITIES, map(float, levels), strict=True))
    return found
