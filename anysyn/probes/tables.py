"""Tables of probes: their columns are typed once, for writing, reading back and drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.evaluation.tables.cases_table import to_csv
from anysyn.files import write_text
from anysyn.files.arrays import read_table
from anysyn.text.escaping import word_of

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """The columns of a table.

    Args:
        columns: In order, each with ``str``, ``int`` or ``float``; a float may be missing, which is NaN.
        more: Whether further columns of floats follow, whose names only the evaluation knows, such as metrics.

    Example:
        >>> table = Table({"subject": str, "voxels": int, "share": float})
        >>> table.frame([{"subject": "sub-01", "share": None, "voxels": 3}]).to_dict("list")
        {'subject': ['sub-01'], 'voxels': [3], 'share': [nan]}
    """

    columns: Mapping[str, type]
    more: bool = False

    def frame(self, rows: Iterable[Row] | pd.DataFrame) -> pd.DataFrame:
        """Arrange rows in the order and with the types of the columns.

        Args:
            rows: Mappings, or a table.

        Raises:
            ValueError: If a column is missing, unknown, or holds what its type cannot be.
        """
        given = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(list(rows))
        if given.empty:
            given = pd.DataFrame(columns=[*self.columns, *given.columns.difference(list(self.columns))])
        missing = [name for name in self.columns if name not in given]
        further = [str(name) for name in given if name not in self.columns]
        if missing or (further and not self.more):
            lacks, unknown = (", ".join(map(str, some)) or "none" for some in (missing, further))
            raise ValueError(f"columns missing: {lacks}; unknown: {unknown}")
        types: dict[str, type] = {**self.columns, **dict.fromkeys(further, float)}
        return pd.DataFrame({name: _typed(given[name], kind) for name, kind in types.items()})

    def write(self, path: Path, table: pd.DataFrame) -> None:
        """Write a table as CSV; the file is whole or not there.

        Args:
            path: The file.
            table: As `frame` returns it.

        Raises:
            OSError: If it cannot be written.
        """
        write_text(path, to_csv(self.frame(table)))

    def read(self, path: Path) -> pd.DataFrame:
        """Read what `write` wrote; a word such as ``NA`` stays a word.

        Args:
            path: The file.

        Raises:
            ValueError: If it has other columns.
            OSError: If it cannot be read.
        """
        return self.frame(read_table(path, dtype=str, keep_default_na=False).map(word_of))


def _typed(column: pd.Series[Any], kind: type) -> pd.Series[Any]:
    if kind is float:
        return pd.to_numeric(column.mask(column.eq(""), None)).astype("float64")
    return column.astype("int64" if kind is int else str)
