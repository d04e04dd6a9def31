"""Checkpoints of strangers, read without running any of their code."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from anysyn.errors import UserError, reason
from anysyn.files import check_regular
from anysyn.training.part_weights import faults_of

FORBIDDEN = re.compile(r"GLOBAL ([\w.]+)")
SHOWN = 6  # faults that a message lists


def read_checkpoint(path: Path) -> Any:
    """Read a file of torch or safetensors; of torch's, nothing but tensors and plain values.

    Args:
        path: The file.

    Raises:
        UserError: If it holds anything else, is damaged, or is no such file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "checkpoint.pt"
        >>> torch.save({"epoch": 3, "weights": {"a": torch.ones(2)}}, path)
        >>> read_checkpoint(path)["weights"]["a"].tolist()
        [1.0, 1.0]
    """
    check_regular(path)
    try:
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path) or None)
    except pickle.UnpicklingError as error:
        found = FORBIDDEN.search(str(error))
        if found is None:
            raise UserError(f"{path}: is no checkpoint of torch ({reason(error)}); check the path") from error
        raise UserError(
            f"{path}: holds {found[1]} and not tensors and plain values alone, so it is not opened: it could run any "
            "code; ask for the weights as safetensors or as a plain state_dict"
        ) from error
    except (RuntimeError, ValueError, KeyError, EOFError, SafetensorError) as error:
        raise UserError(f"{path}: cannot be read ({reason(error)}); copy it again, or check the path") from error


def weights_in(tree: Any, *keys: str) -> dict[str, Tensor] | None:
    """Return the tensors that lie in a checkpoint under keys; None if there are none.

    Example:
        >>> sorted(weights_in({"model": {"sd": {"a": torch.ones(1), "b": torch.ones(2)}}}, "model", "sd"))
        ['a', 'b']
    """
    for key in keys:
        tree = tree.get(key) if isinstance(tree, Mapping) else None
    if not isinstance(tree, Mapping) or not tree or not all(isinstance(value, Tensor) for value in tree.values()):
        return None
    return dict(tree)


def check_fit(path: Path, own: Mapping[str, Tensor], weights: Mapping[str, Tensor], unknown: Iterable[str]) -> None:
    """Refuse weights that are not those of the network that their sizes make.

    Args:
        path: The file, for the message.
        own: The weights of the network; without memory is enough.
        weights: Those of the file, by the names of the network.
        unknown: Names of the file that the network does not have.

    Raises:
        UserError: If one is lacking, has another shape or is not finite, or the file has others.
    """
    faults = [*faults_of(own, weights), *(f"{name} is unknown" for name in unknown), *_broken(weights)]
    if faults:
        more = f" and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
        raise UserError(f"{path}: does not fit: {'; '.join(faults[:SHOWN])}{more}; import the file as it was published")


def _broken(weights: Mapping[str, Tensor]) -> Iterator[str]:
    for name, tensor in weights.items():
        if not bool(tensor.isfinite().all()):
            yield f"{name} is not finite"
