"""Checkpoints: the weights and the training state in a run folder, written and read.

A run folder holds::

    checkpoints/last                        name of the newest checkpoint
    checkpoints/NAME/weights.safetensors    parts.* current weights, average.* their moving average
    checkpoints/NAME/state.pt               position, optimizers, precision; loaded with weights_only=True
    best-STAGE.safetensors                  weights of a stage with the lowest validation score so far
    stage-STAGE.safetensors                 weights at the end of a stage
    weights.safetensors                     weights at the end of training, which synthesis uses
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from anysyn.files import replacing, write_text
from anysyn.training.folder import RunError, RunFolder

Weights = Mapping[str, Tensor]


class Checkpoint(NamedTuple):
    """Everything that a training is resumed from.

    Args:
        parts: Weights of all networks.
        average: Their moving average; empty if the stage has none, or has ended.
        position: Where training stands, as plain numbers.
        optimizers: State of each step's optimiser; empty at the beginning of a stage.
        precision: State of the loss scaling.
    """

    parts: Weights
    average: Weights
    position: Mapping[str, Any]
    optimizers: Sequence[Mapping[str, Any]]
    precision: Mapping[str, Any]


class Checkpoints:
    """Checkpoints and weights of one run.

    Args:
        folder: The run folder.

    Example:
        >>> import tempfile
        >>> checkpoints = Checkpoints(RunFolder(Path(tempfile.mkdtemp())))
        >>> checkpoints.save("epoch1", Checkpoint({"w": torch.ones(2)}, {}, {"epoch": 1}, [], {}))
        >>> last = checkpoints.last()
        >>> last.parts["w"].tolist(), last.position["epoch"]
        ([1.0, 1.0], 1)
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._pointer = folder.checkpoints / "last"

    def save(self, name: str, checkpoint: Checkpoint) -> None:
        """Write a checkpoint under a new name and make it the last one; only then is the older one deleted.

        Args:
            name: Of its folder; a name that is the last one already is not written again.
            checkpoint: What to write.

        Raises:
            RunError: If the disk is full or not writable; the older checkpoint is still whole.
        """
        if self._pointer.is_file() and self._pointer.read_text() == name:
            return
        folder = self.folder.checkpoints / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder, checkpoint)
            write_text(self._pointer, name)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            shutil.rmtree(folder, ignore_errors=True)
            raise RunError(f"{folder}: the checkpoint was not saved ({error}); the one before it is kept") from error
        for old in self.folder.checkpoints.iterdir():
            if old.is_dir() and old.name != name:
                shutil.rmtree(old)

    def last(self) -> Checkpoint | None:
        """Read the last checkpoint; None if there is none.

        Raises:
            RunError: If it cannot be read.
        """
        if not self._pointer.is_file():
            return None
        folder = self.folder.checkpoints / self._pointer.read_text().strip()
        try:
            state = torch.load(folder / "state.pt", map_location="cpu", weights_only=True)
            weights = safetensors.torch.load_file(folder / "weights.safetensors")
        except (OSError, UnpicklingError, SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise RunError(f"{folder}: cannot be read ({reason}); train anew with --overwrite") from error
        return Checkpoint(_without("parts.", weights), _without("average.", weights), **state)

    def load_weights(self, stage: str | None = None) -> dict[str, Tensor]:
        """Read the weights at the end of a stage, or at the end of training.

        Raises:
            RunError: If they are not there, damaged or not finite.
        """
        path = self.folder.stage_weights(stage)
        if not path.is_file():
            of = "" if stage is None else f" of its stage {stage!r}"
            raise RunError(f"{self.folder.path} keeps no weights{of} ({path.name}); train it anew")
        weights = read_tensors(path)
        broken = [name for name, tensor in weights.items() if not bool(tensor.isfinite().all())]
        if broken:
            raise RunError(
                f"{path}: {len(broken)} of {len(weights)} tensors are not finite, {broken[0]} among them, so every "
                "answer would be wrong; copy the run again or train it anew"
            )
        return weights


def write_tensors(path: Path, tensors: Weights) -> None:
    """Write tensors as safetensors; the file is written whole or not at all."""
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path, overwrite=True) as file:
        file.write(safetensors.torch.save(contiguous))


def _write(folder: Path, checkpoint: Checkpoint) -> None:
    state = checkpoint._asdict()
    weights = {f"{group}.{name}": w for group in ("parts", "average") for name, w in state.pop(group).items()}
    write_tensors(folder / "weights.safetensors", weights)
    with replacing(folder / "state.pt", overwrite=True) as file:
        torch.save(state, file)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors of a safetensors file.

    Raises:
        RunError: If the file is missing or damaged.
    """
    try:
        weights: dict[str, Tensor] = safetensors.torch.load_file(path)
        return weights
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path}: cannot be read ({str(error).splitlines()[0]}); train anew with --overwrite") from error


def _without(prefix: str, weights: Weights) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
