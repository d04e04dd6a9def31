"""Logs for Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from anysyn.loggers.logger import Logger, Place, library
from anysyn.registry import Given, register


@register("logger", "wandb")
class WeightsAndBiases(Logger):
    """A run of Weights & Biases for each stage; one that is resumed begins another.

    Args:
        place: What is logged.
        project: Name of the project.
        mode: ``offline`` keeps the logs on this machine, for ``wandb sync``; ``online`` sends them.
        folder: Where it keeps its files; by default where Weights & Biases does by itself.
        pictures: Whether pictures of the validation go there, too: they show people of the data.
    """

    def __init__(
        self,
        *,
        place: Given[Place],
        project: str = "anysyn",
        mode: Literal["offline", "online"] = "offline",
        folder: str | None = None,
        pictures: bool = False,
    ) -> None:
        self.library, self.pictures = library("wandb", "wandb"), pictures
        name = f"{place.run} {place.stage}"
        self.run = self.library.init(
            project=project, name=name, mode=mode, dir=folder, config=place.about(), reinit="create_new"
        )

    def numbers(self, values: Mapping[str, float], at: int) -> None:
        """Log the numbers as one row."""
        self.run.log({**values, "samples": at})

    def picture(self, name: str, path: Path, at: int) -> None:
        """Log the picture, if pictures are asked for."""
        if self.pictures:
            self.run.log({name: self.library.Image(str(path)), "samples": at})

    def close(self) -> None:
        """End the run."""
        self.run.finish()
