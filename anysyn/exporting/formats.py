"""The formats of an export: torch.export and ONNX."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from anysyn.progress import Progress

Form = Literal["torch", "onnx"]
NEEDED = ("onnx", "onnxscript")
AGREES = 1e-4  # largest difference from the network, in prepared intensities
LONGEST = 2**14  # voxels


class Freedom(NamedTuple):
    """What may vary in the input of an exported network: the number of samples, and the lengths of the sides."""

    batch: bool
    size: bool


FREEDOMS = (Freedom(True, True), Freedom(False, True), Freedom(True, False), Freedom(False, False))


def exported_program(
    network: FixedNetwork | VolumeNetwork, images: Tensor, progress: Progress | None = None
) -> tuple[Any, Freedom]:
    """Export a network with torch.export, with as much freedom as it allows.

    Args:
        network: The network.
        images: An example of its input, (1, J, *S).
        progress: Shows how many ways were tried; None shows nothing.

    Returns:
        The program, and what may vary in its input.

    Raises:
        UserError: If it cannot be exported at all.

    Example:
        >>> FREEDOMS[0]
        Freedom(batch=True, size=True)
    """
    why = ""
    for freedom in (progress or Progress()).over("tracing the network, which takes minutes if it is large", FREEDOMS):
        example = _example(network, images, freedom)
        try:
            with torch.no_grad(), quiet():
                shapes = (_shapes(network, example, freedom),)
                return torch.export.export(network, (example,), dynamic_shapes=shapes), freedom
        except Exception as error:
            why = reason(error)
    raise UserError(f"this run's network cannot be exported: {why[:200]}; call it with anysyn.load")


def _example(network: FixedNetwork | VolumeNetwork, images: Tensor, freedom: Freedom) -> Tensor:
    """Return an example as general as its input may be: what is 1, equal or not padded in it would stay so."""
    lengths = [2 if freedom.batch else 1, *images.shape[1:]]
    for number, axis in enumerate(network.free if freedom.size and network.multiple > 1 else (), 1):
        lengths[axis] += number * network.multiple + 1
    return torch.rand(lengths, generator=torch.Generator().manual_seed(0))


def _shapes(network: FixedNetwork | VolumeNetwork, images: Tensor, freedom: Freedom) -> dict[int, Any]:
    shapes: dict[int, Any] = {0: torch.export.Dim("batch", min=1, max=1024)} if freedom.batch else {}
    for axis in network.free if freedom.size else ():
        shapes[axis] = torch.export.Dim(network.names[axis], min=shortest(network), max=LONGEST)
    return shapes


def shortest(network: FixedNetwork | VolumeNetwork) -> int:
    """Return the shortest length of an axis along which it may vary: torch.export takes a single step for a constant.

    Args:
        network: The network.
    """
    return network.multiple + 1 if network.multiple > 1 else 1


def lengths_of(network: FixedNetwork | VolumeNetwork, shape: Sequence[int], freedom: Freedom) -> dict[str, int | str]:
    """Return the axes of the input in order, and how long each may be: a number, or ``any``.

    Args:
        network: The network.
        shape: Of the example that it was exported with.
        freedom: What may vary in its input.
    """
    free = {**dict.fromkeys(network.free if freedom.size else (), f"any from {shortest(network)}")}
    free |= {0: "any"} if freedom.batch else {}
    return {name: free.get(axis, length) for axis, (name, length) in enumerate(zip(network.names, shape, strict=True))}


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


def write_program(program: Any, path: Path, form: Form, names: Sequence[str] = ()) -> None:
    """Write a program of torch.export, as it is or as ONNX in one file.

    Args:
        program: The program.
        path: The file.
        form: Its format.
        names: Of the axes of the input, for ONNX.

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
    _name_axes(made.model, names)
    made.save(str(path), external_data=False)


def _name_axes(model: Any, names: Sequence[str]) -> None:
    """Give the free axes of a model of ONNX their names, instead of s34, wherever they occur."""
    ir = import_module("onnx_ir")
    [images] = model.graph.inputs
    known = {
        str(length.value): name for length, name in zip(images.shape, names, strict=False) if not _is_fixed(length)
    }
    for value in (images, *(output for node in model.graph.all_nodes() for output in node.outputs)):
        if value.shape is not None:
            value.shape = ir.Shape([length if _is_fixed(length) else _renamed(length, known) for length in value.shape])


def _is_fixed(length: Any) -> bool:
    return isinstance(length, int) or length.value is None  # None: nobody knows it, and each is another


def _renamed(length: Any, known: Mapping[str, str]) -> Any:
    return re.sub(r"\bs\d+\b", lambda found: known.get(found[0], found[0]), str(length.value))


def largest_difference(
    network: FixedNetwork | VolumeNetwork,
    images: Tensor,
    path: Path,
    freedom: Freedom,
    form: Form,
    progress: Progress | None = None,
) -> float | None:
    """Compare a file with the network on its example and, as far as its input may vary, on others.

    Args:
        network: The network.
        images: An example of its input.
        path: The file.
        freedom: What may vary in its input.
        form: Its format.
        progress: Shows how many inputs were compared; None shows nothing.

    Returns:
        The largest difference in prepared intensities; None where onnxruntime is missing.

    Raises:
        UserError: If it is above 1e-4.
    """
    call = _reopened(path, form)
    if call is None:
        return None
    with torch.inference_mode(), quiet():
        inputs = (progress or Progress()).over(
            "comparing the file with the run", list(_others(network, images, freedom))
        )
        others = [call(one) - network(one) for one in inputs]
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
        longer = [
            length + (network.multiple + 1) * (axis in network.free[-1:]) for axis, length in enumerate(images.shape)
        ]
        yield torch.rand(longer, generator=draw)  # no multiple of what it pads to


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
