"""The run folder: everything a run leaves behind, and all that synthesis needs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import safetensors.torch
import torch
import yaml
from torch import Tensor

from anysyn.errors import UserError
from anysyn.files import replacing, write_json, write_text
from anysyn.recipe import Recipe
from anysyn.versions import versions


class RunError(UserError):
    """Report what is wrong with a run folder, in one line."""


@dataclass(frozen=True)
class RunFolder:
    """Name the places in a run folder.

    Args:
        path: The folder.
    """

    path: Path

    @property
    def recipe(self) -> Path:
        """Return where the resolved recipe lies."""
        return self.path / "recipe.yaml"

    @property
    def weights(self) -> Path:
        """Return where the weights lie that synthesis uses."""
        return self.path / "weights.safetensors"

    @property
    def log(self) -> Path:
        """Return where the training log lies."""
        return self.path / "log.csv"

    @property
    def validation(self) -> Path:
        """Return where the validation log lies."""
        return self.path / "validation.csv"

    def stage_weights(self, stage: str) -> Path:
        """Return where the weights at the end of a stage lie."""
        return self.path / f"stage-{stage}.safetensors"

    @property
    def checkpoints(self) -> Path:
        """Return where the checkpoints lie."""
        return self.path / "checkpoints"

    def create(self, recipe: Recipe, *, overwrite: bool = False) -> None:
        """Make the folder and write the recipe and the versions.

        Raises:
            RunError: If the folder holds something and may not be overwritten, or cannot be written.
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
            RunError: If it is not there.
        """
        try:
            return json.loads((self.path / name).read_text())
        except FileNotFoundError:
            raise RunError(
                f"{self.path} holds no {name}: it is not a run folder, or its training never began"
            ) from None

    def save_checkpoint(self, name: str, weights: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Write a checkpoint under a new name, then make it the last one; the older one goes only after that.

        Raises:
            RunError: If the disk is full or not writable; the older checkpoint is still whole.
        """
        folder, pointer = self.checkpoints / name, self.checkpoints / "last"
        if pointer.is_file() and pointer.read_text() == name:
            return  # this position is saved already, and its files are the only ones
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_tensors(folder / "weights.safetensors", weights)
            with replacing(folder / "state.pt", overwrite=True) as file:
                torch.save(dict(state), file)
            write_text(pointer, name)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            shutil.rmtree(folder, ignore_errors=True)
            raise RunError(f"{folder}: the checkpoint was not saved ({error}); the one before it is kept") from error
        for old in self.checkpoints.iterdir():
            if old.is_dir() and old.name != name:
                shutil.rmtree(old)

    def load_checkpoint(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return weights and state of the last checkpoint, or None where there is none."""
        pointer = self.checkpoints / "last"
        if not pointer.is_file():
            return None
        folder = self.checkpoints / pointer.read_text().strip()
        try:
            state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
            return safetensors.torch.load_file(folder / "weights.safetensors"), state
        except (OSError, UnpicklingError, safetensors.SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise RunError(f"{folder}: cannot be read ({reason}); train anew with --overwrite") from error


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors as safetensors; the file is whole or not there."""
    whole = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path, overwrite=True) as file:
        file.write(safetensors.torch.save(whole))
