"""A log that programs read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from anysyn.files import check_regular, replacing
from anysyn.loggers.logger import Logger, Place
from anysyn.registry import Given, register

FILE = "log.jsonl"


@register("logger", "json")
class JsonLines(Logger):
    r"""A line of JSON for each time that numbers are logged, in ``log.jsonl`` of the run folder.

    Args:
        place: What is logged.

    Example:
        >>> import tempfile
        >>> place = Place(Path(tempfile.mkdtemp()), "tiny", "synthesis")
        >>> JsonLines(place=place).numbers({"training/l1": 0.5}, 64)
        >>> (place.folder / FILE).read_text()
        '{"stage": "synthesis", "samples": 64, "training/l1": 0.5}\n'
    """

    def __init__(self, *, place: Given[Place]) -> None:
        self.path, self.stage = place.folder / FILE, place.stage
        if self.path.exists():
            check_regular(self.path)
            lines = self.path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if not _void(line, place)]
            with replacing(self.path, overwrite=True) as file:  # a new file: a copy by hard links keeps its own
                file.write("".join(f"{line}\n" for line in kept).encode())

    def numbers(self, values: Mapping[str, float], at: int) -> None:
        """Append a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"stage": self.stage, "samples": at, **values}) + "\n")

    def picture(self, name: str, path: Path, at: int) -> None:
        """Keep none: pictures lie in ``samples`` of the run folder."""

    def close(self) -> None:
        """Do nothing, since each line is written at once."""


def _void(line: str, place: Place) -> bool:
    """Tell whether a line is half of one, or was written after the checkpoint that the stage goes on from."""
    try:
        row = json.loads(line)
        return bool(row["stage"] == place.stage and row["samples"] > place.first)
    except (ValueError, KeyError, TypeError):
        return True
