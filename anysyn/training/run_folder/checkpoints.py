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

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from anysyn.errors import UserError, reason
from anysyn.files import check_regular, replacing, write_text
from anysyn.files.whole import UNFINISHED
from anysyn.recipe import Recipe
from anysyn.training.run_folder.folder import CHECKPOINT_FILES, CHECKPOINTS, RunError, RunFolder

Weights = Mapping[str, Tensor]
STATE = {"position", "optimizers", "precision"}


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
        >>> checkpoints.save("stage0-epoch1-batch0", Checkpoint({"w": torch.ones(2)}, {}, {"epoch": 1}, [], {}))
        >>> last = checkpoints.last()
        >>> last.parts["w"].tolist(), last.position["epoch"]
        ([1.0, 1.0], 1)
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._pointer = folder.checkpoints / "last"

    def save(self, name: str, checkpoint: Checkpoint) -> None:
        """Write a checkpoint under a new name and make it the last one; only then are older ones deleted.

        Args:
            name: Of its folder, ``stage0-epoch00001-batch000000``, ``adapted`` or ``initial``; a name that is the last
                one already is not written again.
            checkpoint: What to write.

        Raises:
            RunError: If the disk is full or not writable, when the older checkpoint is still whole; or if the folder of
                the checkpoints or the new one is a link.
        """
        if self._pointer.is_file() and self._pointer.read_text() == name:
            return
        folder = self.folder.checkpoints / _checked(name, self._pointer)
        for path in (self.folder.checkpoints, folder):
            if path.is_symlink():
                raise RunError(f"{path} is a link, and checkpoints are written and deleted through none; move it away")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder, checkpoint)
            write_text(self._pointer, name)
        except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
            with suppress(OSError):
                _delete(folder)
            raise RunError(f"{folder}: the checkpoint was not saved ({error}); the one before it is kept") from error
        for old in self.folder.checkpoints.iterdir():
            if old.name != name and _is_checkpoint(old.name) and old.is_dir() and not old.is_symlink():
                _delete(old)

    def last(self) -> Checkpoint | None:
        """Read the last checkpoint; None if there is none.

        Raises:
            RunError: If it cannot be read.
        """
        if not self._pointer.is_file():
            return None
        try:
            folder = self.folder.checkpoints / _checked(self._pointer.read_text().strip(), self._pointer)
        except (OSError, UnicodeDecodeError) as error:
            raise _unreadable(self._pointer, error) from error
        try:
            state = _state(folder / "state.pt")
            weights = _loaded(folder / "weights.safetensors")
            if not isinstance(state, dict) or state.keys() != STATE:
                raise ValueError(f"state.pt does not hold {', '.join(sorted(STATE))}")
        except Exception as error:  # what is no file of torch fails in it in every way
            raise _unreadable(folder, error) from error
        return Checkpoint(_without("parts.", weights), _without("average.", weights), **state)

    def load_weights(self, stage: str | None = None) -> dict[str, Tensor]:
        """Read the weights at the end of a stage, or at the end of training; those in float16 as float32.

        Raises:
            RunError: If they are not there, damaged or not finite.
        """
        path = self.folder.stage_weights(stage)
        if not path.is_file():
            if stage is not None and self.folder.packaged:
                raise RunError(
                    f"{self.folder.path} is packaged with its weights at the end alone, and not those of its stage "
                    f"{stage!r}; ask the run that it was made of"
                )
            of = "" if stage is None else f" of its stage {stage!r}"
            raise RunError(f"{self.folder.path} keeps no weights{of} ({path.name}); train it anew")
        weights = read_tensors(path)
        broken = [name for name, tensor in weights.items() if not bool(tensor.isfinite().all())]
        if broken:
            raise RunError(
                f"{path}: {len(broken)} of {len(weights)} tensors are not finite, {broken[0]} among them, so every "
                "answer would be wrong; copy the run again or train it anew"
            )
        return {name: tensor.float() if tensor.dtype == torch.float16 else tensor for name, tensor in weights.items()}


def check_begun(folder: RunFolder, recipe: Recipe) -> None:
    """Refuse to resume a run that has weights of a finished stage but no checkpoint, which would train them anew.

    Raises:
        RunError: If so.
    """
    if (folder.checkpoints / "last").is_file():
        return
    weights = [folder.weights, *(folder.stage_weights(stage.name) for stage in recipe.stages)]
    finished = next((path for path in weights if path.exists()), None)
    if finished is not None:
        raise RunError(
            f"{folder.path} holds {finished.name} but no checkpoint (checkpoints/last), so resuming would replace them "
            "with weights trained anew; restore the checkpoints, or train into another folder"
        )


def _is_checkpoint(name: str) -> bool:
    return any(fnmatchcase(name, glob) for glob in CHECKPOINTS) and "/" not in name and "\\" not in name


def _checked(name: str, pointer: Path) -> str:
    """Return the name of a checkpoint; one that leads elsewhere is refused."""
    if not _is_checkpoint(name):
        raise RunError(f"{pointer}: {name[:80]!r} is no name of a checkpoint; train anew with --overwrite")
    return name


def _delete(folder: Path) -> None:
    """Delete the files of a checkpoint, then its folder unless it holds anything else; links are not followed."""
    for path in folder.iterdir():
        unfinished = any(fnmatchcase(path.name, f".{name}.[0-9]*{UNFINISHED}") for name in CHECKPOINT_FILES)
        if path.name in CHECKPOINT_FILES or unfinished:
            path.unlink()
    with suppress(OSError):
        folder.rmdir()


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


@contextmanager
def fitting(path: Path) -> Iterator[None]:
    """Say in one line that a file does not fit the recipe of its run.

    An error that names its own place, such as a checkpoint of a hub that the recipe names, is left as it is.

    Raises:
        RunError: If what is done with it fails.

    Example:
        >>> with fitting(Path("run/weights.safetensors")):
        ...     torch.nn.Linear(1, 1).load_state_dict({})
        Traceback (most recent call last):
        anysyn.training.run_folder.records.RunError: run/weights.safetensors does not fit the recipe of its run (...
    """
    try:
        yield
    except UserError:
        raise
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        where = f"{path} does not fit the recipe of its run ({reason(error)})"
        raise RunError(f"{where}; restore recipe.yaml, or train anew with --overwrite") from error


def check_shapes(weights: Weights, networks: torch.nn.Module) -> None:
    """Refuse weights that lack one of a network, or have it in another shape.

    Raises:
        ValueError: If so; it names the first.

    Example:
        >>> check_shapes({"weight": torch.ones(1, 2), "bias": torch.ones(1)}, torch.nn.Linear(3, 1))
        Traceback (most recent call last):
        ValueError: weight is 1 x 2, and the recipe makes it 1 x 3
    """
    for name, weight in networks.state_dict().items():
        if name not in weights:
            raise ValueError(f"it has no {name}")
        if weights[name].shape != weight.shape:
            held, made = (" x ".join(map(str, tensor.shape)) for tensor in (weights[name], weight))
            raise ValueError(f"{name} is {held}, and the recipe makes it {made}")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors of a safetensors file.

    Raises:
        RunError: If the file is missing or damaged.
    """
    try:
        return _loaded(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise _unreadable(path, error) from error


def _loaded(path: Path) -> dict[str, Tensor]:
    check_regular(path)  # safetensors says of a file without permission that it is not there, and waits for a pipe
    weights: dict[str, Tensor] = safetensors.torch.load_file(path)
    return weights


def _state(path: Path) -> Any:
    """Return what `torch.save` wrote: it packs nothing, so what unpacks to more than the file fills the memory."""
    check_regular(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise ValueError(f"{path.name} is packed, as torch leaves no file")
    return torch.load(path, map_location="cpu", weights_only=True)


def _unreadable(path: Path, error: Exception) -> RunError:
    if isinstance(error, PermissionError):  # the weights may be whole, so nobody should train anew
        return RunError(f"{error.filename or path}: cannot be read ({error.strerror}); change its permissions")
    return RunError(f"{path}: cannot be read ({reason(error)}); train anew with --overwrite")


def _without(prefix: str, weights: Weights) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
