"""Reading of NumPy archives and tables that anybody may have put there: bounded, and never waited for."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anysyn.files.bounded import read_regular

MOST_ARRAYS = 500_000_000  # bytes, packed and unpacked; planes of one subject have far fewer
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, MemoryError, RuntimeError)
MOST_COLUMNS = 1000
MOST_TABLE = 200_000_000  # bytes: some two million rows


def read_arrays(path: Path, *, most: int = MOST_ARRAYS) -> dict[str, NDArray[Any]]:
    """Read the arrays of an ``.npz``; objects, which may run code, are refused.

    Args:
        path: The file.
        most: Bytes that it may have, as it is and unpacked.

    Raises:
        OSError: If it cannot be opened.
        ValueError: If it is no regular file, no such archive, or larger.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "bomb.npz"
        >>> np.savez_compressed(path, zeros=np.zeros(100_000))
        >>> path.stat().st_size < 2000
        True
        >>> read_arrays(path, most=2000)
        Traceback (most recent call last):
        ValueError: it holds 800,128 bytes, and at most 2,000 are unpacked
    """
    content = read_regular(path, most)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > most:
            raise ValueError(f"it holds {unpacked:,} bytes, and at most {most:,} are unpacked")
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except BROKEN as error:
        raise ValueError(f"it is no archive of arrays ({error})") from error


def read_table(path: Path, **options: Any) -> pd.DataFrame:
    """Read a CSV table with pandas.

    Args:
        path: The file.
        options: Of `pandas.read_csv`.

    Raises:
        OSError: If it cannot be opened.
        ValueError: If it is no regular file, too large, or no table.

    Example:
        >>> read_table(Path("/dev/zero"))
        Traceback (most recent call last):
        anysyn.errors.UserError: /dev/zero: is not a regular file; replace it with one
    """
    content = read_regular(path, MOST_TABLE)
    if (columns := content.partition(b"\n")[0].count(b",")) > MOST_COLUMNS:
        raise ValueError(f"it has {columns:,} columns, and at most {MOST_COLUMNS:,} are read")
    try:
        table: pd.DataFrame = pd.read_csv(io.BytesIO(content), **options)
    except (RecursionError, OverflowError, MemoryError) as error:
        raise ValueError(f"it is no table ({type(error).__name__})") from error
    return table
