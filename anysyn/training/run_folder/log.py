"""Logs of a run: CSV for the report, TensorBoard for watching."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from anysyn.files import check_regular, replacing
from anysyn.text.escaping import cell
from anysyn.training.run_folder.folder import RunError


class Log:
    """Append rows to a CSV file; on resume, cut it back to where the checkpoint stood.

    Args:
        path: The file.
        keep: Bytes of an earlier log to keep.

    Raises:
        RunError: If the file is a link.
        UserError: If it is a pipe or a device.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> log = Log(Path(folder.name) / "log.csv")
        >>> log.row(stage="synthesis", epoch=1, name="l1", value=0.5)
        >>> log.path.read_text().splitlines()
        ['stage,epoch,name,value', 'synthesis,1,l1,0.5']
    """

    def __init__(self, path: Path, *, keep: int = 0) -> None:
        if path.is_symlink():
            raise RunError(f"{path} is a link, and a log is cut back through none; put the file itself in its place")
        self.path = path
        if path.exists():
            check_regular(path)
            with path.open("rb") as file:
                kept = file.read(keep)
            with replacing(path, overwrite=True) as file:  # a new file: a copy of the run by hard links keeps its own
                file.write(kept)

    def row(self, **values: Any) -> None:
        """Append one row; the first one writes the header too, and later ones have its columns and no others."""
        fresh = not self.path.exists() or self.path.stat().st_size == 0
        columns = list(values) if fresh else self._columns(list(values))
        with self.path.open("a", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=columns, lineterminator="\n", extrasaction="ignore")
            if fresh:
                writer.writeheader()
            writer.writerow({name: cell(value) if isinstance(value, str) else value for name, value in values.items()})

    def _columns(self, given: list[str]) -> list[str]:
        """Return the columns of the header: a run of an earlier version that is resumed has fewer."""
        with self.path.open(newline="") as file:
            return next(csv.reader(file), given)

    def size(self) -> int:
        """Return the bytes written so far."""
        return self.path.stat().st_size if self.path.exists() else 0
