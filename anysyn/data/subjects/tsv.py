"""CSV and TSV files: reading them, and the age and sex in their columns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.errors import UserError

MISSING = {"", "n/a", "na", "nan", "none", "null", "-"}


def read_table(path: Path) -> list[dict[str, str]]:
    r"""Read a table as a mapping from column to text for each row; column names in lower case, cells stripped.

    Raises:
        UserError: If the file is not a table.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "people.tsv"
        >>> _ = path.write_text("participant_id\tAge\nsub-01\tn/a\n")
        >>> read_table(path)
        [{'participant_id': 'sub-01', 'age': ''}]
    """
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    try:
        table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; check the path") from error
    except ValueError as error:  # pandas raises it for a broken table, an empty one and another encoding
        raise UserError(f"{path}: is no readable table ({' '.join(str(error).split())}); save it as UTF-8") from error
    return [{str(key).strip().lower(): _text(cell) for key, cell in row.items()} for row in table.to_dict("records")]


def age_and_sex(row: Mapping[str, str]) -> dict[str, Any]:
    """Return the age and sex in the columns of those names, as far as they are known.

    Example:
        >>> age_and_sex({"age": "89+", "sex": "female"}), age_and_sex({"age": "old", "sex": ""})
        ({'age_years': 89.0, 'sex': 'F'}, {})
    """
    age, sex = _age(row.get("age", "")), row.get("sex", "")[:1].upper()
    known = {"age_years": age, "sex": sex if sex in {"F", "M", "O"} else None}
    return {name: value for name, value in known.items() if value is not None}


def _text(cell: object) -> str:
    text = str(cell).strip()
    return "" if text.lower() in MISSING else text


def _age(text: str) -> float | None:
    try:
        age = float(text.removesuffix("+"))
    except ValueError:
        return None
    return age if math.isfinite(age) and age >= 0 else None
