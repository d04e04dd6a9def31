"""The contract of a logger."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from anysyn.errors import UserError


@dataclass(frozen=True)
class Place:
    """The stage of a run that is logged.

    Args:
        folder: The run folder.
        run: Name of the recipe.
        stage: Name of the stage.
        first: Training samples seen when it is opened: what an earlier opening logged after them is void.
    """

    folder: Path
    run: str
    stage: str
    first: int = 0

    def about(self) -> dict[str, str]:
        """Return what a logger may say of the run to others: no path, and nobody's name.

        Example:
            >>> Place(Path("runs/a"), "tiny", "synthesis").about()
            {'recipe': 'tiny', 'stage': 'synthesis'}
        """
        return {"recipe": self.run, "stage": self.stage}


class Logger(ABC):
    """Where the numbers and pictures of one stage go. A part of this kind gets the `Place` that it logs."""

    kind: ClassVar[str] = "logger"

    @abstractmethod
    def numbers(self, values: Mapping[str, float], at: int) -> None:
        """Log numbers.

        Args:
            values: By name, for example ``training/l1``, ``rate/synthesis``, ``speed``.
            at: Training samples seen so far in the stage.
        """

    @abstractmethod
    def picture(self, name: str, path: Path, at: int) -> None:
        """Log a PNG of validation samples; a logger that keeps none does nothing.

        Args:
            name: What it shows.
            path: Its file.
            at: Training samples seen so far in the stage.
        """

    @abstractmethod
    def close(self) -> None:
        """End the log of the stage."""


def library(name: str, extra: str) -> Any:
    """Return the library of a logger.

    Args:
        name: Of the module.
        extra: Of anysyn, that installs it.

    Raises:
        UserError: If it is not installed.

    Example:
        >>> library("no_such_library", "nothing")
        Traceback (most recent call last):
        anysyn.errors.UserError: loggers: needs no_such_library; pip install 'anysyn[nothing]', or leave the logger out
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise UserError(f"loggers: needs {name}; pip install 'anysyn[{extra}]', or leave the logger out") from error
