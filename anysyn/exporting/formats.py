"""The formats of an export: torch.export and ONNX."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from anysyn.errors import UserError, reason
from anysyn.exporting.fixed_network import FixedNetwork
from anysyn.exporting.volume_network import VolumeNetwork

Form = Literal["torch", "onnx"]
NEEDED = ("onnx", "onnxscript")
AGREES = 1e-4  # largest difference from the network, in prepared intensities


class Freedom(NamedTuple):
    """What may vary in the input of an exported network: the number of samples, and the lengths of the sides."""

    batch: bool
    size: bool

    def __str__(self) -> str:
        return f"batch {'any' if self.batch else '1'}, size {'any' if self.size else 'as exported'}"


FREEDOMS = (Freedom(True, True), Freedom(False, True), Freedom(True, False), Freedom(False, False))


def exported_program(network: FixedNetwork | VolumeNetwork, images: Tensor) -> tuple[Any, Freedom]:
    """Export a network with torch.export, with as much freedom as it allows.

    Args:
        network: The network.
        images: An example of its input, (1, J, *S).

    Returns:
        The program, and what may vary in its input.

    Raises:
        UserError: If it cannot be exported at all.

    Example:
        >>> str(FREEDOMS[0])
        'batch any, size any'
    """
    why = ""
    for freedom in FREEDOMS:
        example = images.repeat(2, *(1 for _ in images.shape[1:])) if freedom.batch else images
        try:
            with torch.no_grad(), quiet():
                shapes = (_shapes(network, example, freedom),)
                return torch.export.export(network, (example,), dynamic_shapes=shapes), freedom
        except Exception as error:
            why = reason(error)
    raise UserError(f"this run's network cannot be exported: {why[:200]}; call it with anysyn.load")


def _shapes(network: FixedNetwork | VolumeNetwork, images: Tensor, freedom: Freedom) -> dict[int, Any]:
    shapes: dict[int, Any] = {0: torch.export.Dim("batch", min=1, max=1024)} if freedom.batch else {}
    for axis in network.free if freedom.size else ():
        steps = torch.export.Dim(f"side{axis}", min=1, max=1024)
        shapes[axis] = network.multiple * steps
    return shapes


def check_form(form: Form) -> None:
    """Refuse a format of which a package is missing.

    Raises:
        UserError: If so; it names the extra.

    Example:
        >>> check_form("torch")
    """
    lacking = [name for name in NEEDED if find_spec(name) is None] if form == "onnx" else []
    if lacking:
        raise UserError(f"--format onnx needs {', '.join(lacking)}: pip install 'anysyn[onnx]', or take --format torch")


def write_program(program: Any, path: Path, form: Form) -> None:
    """Write a program of torch.export, as it is or as ONNX in one file.

    Raises:
        UserError: If ONNX has no operator for something in it.
    """
    if form == "torch":
        torch.export.save(program, path)
        return
    try:
        with quiet():
            made = torch.onnx.export(program, input_names=["images"], output_names=["target"], verbose=False)
    except Exception as error:
        why = reason(error)[:200]
        raise UserError(f"ONNX cannot say what this run's network does: {why}; take --format torch") from error
    if made is None:
        raise UserError("ONNX made nothing of this run's network; take --format torch")
    made.save(str(path), external_data=False)


def largest_difference(
    network: FixedNetwork | VolumeNetwork, images: Tensor, path: Path, freedom: Freedom, form: Form
) -> float | None:
    """Compare a file with the network on its example and, as far as its input may vary, on others.

    Returns:
        The largest difference in prepared intensities; None where onnxruntime is missing.

    Raises:
        UserError: If it is above 1e-4.
    """
    call = _reopened(path, form)
    if call is None:
        return None
    with torch.inference_mode(), quiet():
        others = [call(one) - network(one) for one in _others(network, images, freedom)]
    difference = max(float(one.abs().max()) for one in others)
    if not difference <= AGREES:
        raise UserError(f"{path.name} differs from the run by {difference:.1g}, above {AGREES:g}, so it is not kept")
    return difference


def _reopened(path: Path, form: Form) -> Callable[[Tensor], Tensor] | None:
    if form == "torch":
        module: Callable[[Tensor], Tensor] = torch.export.load(path).module()
        return module
    if find_spec("onnxruntime") is None:
        return None
    session = import_module("onnxruntime").InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


def _others(network: FixedNetwork | VolumeNetwork, images: Tensor, freedom: Freedom) -> Iterator[Tensor]:
    draw = torch.Generator().manual_seed(0)
    shape = images.shape[1:]
    yield images
    yield torch.rand(images.shape, generator=draw)
    if freedom.batch:
        yield torch.rand(3, *shape, generator=draw)
    if freedom.size:
        longer = [length + network.multiple * (axis == network.free[-1]) for axis, length in enumerate(images.shape)]
        yield torch.rand(longer, generator=draw)


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what the exporters of torch print and log of their own progress."""
    loud, level = logging.getLogger("torch"), logging.getLogger("torch").level
    with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        warnings.simplefilter("ignore")
        loud.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            loud.setLevel(level)
