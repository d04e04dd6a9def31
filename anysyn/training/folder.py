"""The run folder: the places of its files, and its small records."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import yaml

from anysyn.files import write_json, write_text
from anysyn.recipe import Recipe
from anysyn.training.records import RunError, read_record
from anysyn.versions import versions

__all__ = ["RunError", "RunFolder"]


class RunFolder:
    """Places of the files in a run folder; `Checkpoints` writes and reads its weights.

    Args:
        path: The folder.

    Attributes:
        recipe: The resolved recipe.
        weights: The weights that synthesis uses.
        log: The training log.
        validation: The validation log.
        checkpoints: The folder of the checkpoints.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.recipe, self.weights = path, path / "recipe.yaml", path / "weights.safetensors"
        self.log, self.validation, self.checkpoints = path / "log.csv", path / "validation.csv", path / "checkpoints"

    def stage_weights(self, stage: str | None) -> Path:
        """Return the path of the weights at the end of a stage, or of training if it is None."""
        return self.weights if stage is None else self.path / f"stage-{stage}.safetensors"

    def best_weights(self, stage: str) -> Path:
        """Return the path of the weights of a stage with the lowest validation score so far."""
        return self.path / f"best-{stage}.safetensors"

    def create(self, recipe: Recipe, *, overwrite: bool = False) -> None:
        """Make the folder and write the recipe and the versions.

        Raises:
            RunError: If the folder is not empty and may not be overwritten, or cannot be written.
        """
        if self.path.is_dir() and any(self.path.iterdir()):
            if not overwrite:
                raise RunError(
                    f"{self.path} is not empty; resume it with `anysyn train --resume {self.path}`, "
                    "choose another folder, or allow it with --overwrite"
                )
            if not self.recipe.is_file():
                raise RunError(
                    f"{self.path} is not a run folder, so --overwrite leaves it alone; choose another folder"
                )
            shutil.rmtree(self.path)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_text(self.recipe, yaml.safe_dump(recipe.spec(), sort_keys=False, allow_unicode=True, width=120))
            write_json(self.path / "versions.json", versions())
        except OSError as error:
            raise RunError(f"{self.path} cannot be written: {error.strerror}; choose another --out") from error

    def write(self, name: str, value: Any) -> None:
        """Write a small record as JSON."""
        write_json(self.path / name, value)

    def read(self, name: str) -> Any:
        """Read a small record.

        Raises:
            RunError: If it is not there, or is not what a training writes.
        """
        return read_record(self.path / name)
