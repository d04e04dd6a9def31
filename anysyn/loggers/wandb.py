"""Logs for Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from anysyn.loggers.logger import Logger, Place, library
from anysyn.registry import Given, register

SILENT = {  # by itself it sends the command with its paths, folder, machine, and all that is printed
    "x_disable_meta": True,
    "x_disable_machine_info": True,
    "x_disable_stats": True,
    "x_save_requirements": False,
    "console": "off",
    "disable_code": True,
    "disable_git": True,
}


@register("logger", "wandb")
class WeightsAndBiases(Logger):
    """A run of Weights & Biases for each stage; one that is resumed begins another.

    Account and folder are those that it finds by itself, which are the user's to say: a recipe may be a stranger's.

    Args:
        place: What is logged.
        project: Name of the project.
        mode: ``offline`` keeps the logs on this machine, for ``wandb sync``; ``online`` sends them.
    """

    def __init__(
        self,
        *,
        place: Given[Place],
        project: str = "anysyn",
        mode: Literal["offline", "online"] = "offline",
    ) -> None:
        name = f"{place.run} {place.stage}"
        self.run = library("wandb", "wandb").init(
            project=project, name=name, mode=mode, config=place.about(), reinit="create_new", settings=SILENT
        )

    def numbers(self, values: Mapping[str, float], at: int) -> None:
        """Log the numbers as one row."""
        self.run.log({**values, "samples": at})

    def picture(self, name: str, path: Path, at: int) -> None:
        """Keep none: it shows people of the data."""

    def close(self) -> None:
        """End the run."""
        self.run.finish()
