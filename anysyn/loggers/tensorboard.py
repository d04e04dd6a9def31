"""Logs for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from anysyn.loggers.event_file import EventFile
from anysyn.loggers.logger import Logger, Place
from anysyn.registry import Given, register


@register("logger", "tensorboard")
class TensorBoard(Logger):
    """Event files in the run folder, ``tensorboard/STAGE``: numbers, and pictures of the validation.

    Args:
        place: What is logged.
    """

    def __init__(self, *, place: Given[Place]) -> None:
        self.writer = EventFile(place.folder / "tensorboard" / place.stage, place.first)

    def numbers(self, values: Mapping[str, float], at: int) -> None:
        """Write a scalar for each."""
        for name, value in values.items():
            self.writer.scalar(name, value, at)

    def picture(self, name: str, path: Path, at: int) -> None:
        """Write an image."""
        self.writer.picture(name, path, at)

    def close(self) -> None:
        """Close the file."""
        self.writer.close()
