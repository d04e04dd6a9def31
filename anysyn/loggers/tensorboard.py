"""Logs for TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from anysyn.loggers.logger import Logger, Place, library
from anysyn.registry import Given, register


@register("logger", "tensorboard")
class TensorBoard(Logger):
    """Event files in the run folder, ``tensorboard/STAGE``: numbers, and pictures of the validation.

    Args:
        place: What is logged.
    """

    def __init__(self, *, place: Given[Place]) -> None:
        board = place.folder / "tensorboard" / place.stage
        self.writer = library("torch.utils.tensorboard", "tensorboard").SummaryWriter(
            str(board), purge_step=place.first
        )

    def numbers(self, values: Mapping[str, float], at: int) -> None:
        """Write a scalar for each."""
        for name, value in values.items():
            self.writer.add_scalar(name, value, at)

    def picture(self, name: str, path: Path, at: int) -> None:
        """Write an image."""
        self.writer.add_image(name, np.asarray(Image.open(path).convert("RGB")), at, dataformats="HWC")

    def close(self) -> None:
        """Write what is left."""
        self.writer.close()
