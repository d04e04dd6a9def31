"""The devices and the precision that work is done with; what is not on this machine is refused in one line."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

import torch

from anysyn.errors import UserError
from anysyn.recipe.sections import Precision
from anysyn.registry import suggest

if TYPE_CHECKING:
    from lightning_fabric import Fabric

PRECISIONS: tuple[str, ...] = get_args(Precision)
ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")


@dataclass(frozen=True)
class Hardware:
    """One device and the precision of the arithmetic on it, for all that does not train.

    Training has Lightning's Fabric, whose import takes longer than a small synthesis.

    Args:
        device: Where networks and images are.
        precision: Arithmetic of the networks; 16 bits on a CPU are bfloat16, as in Fabric.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    precision: Precision = "32-true"

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which networks compute.

        Example:
            >>> with Hardware(precision="bf16-mixed").autocast():
            ...     (torch.ones(1, 1) @ torch.ones(1, 1)).dtype
            torch.bfloat16
        """
        if self.precision == "32-true":
            return nullcontext()
        half = self.precision == "16-mixed" and self.device.type != "cpu"
        return torch.autocast(self.device.type, torch.float16 if half else torch.bfloat16)


def hardware_on(accelerator: str, precision: Precision) -> Hardware:
    """Return the device that a user asks for.

    Args:
        accelerator: ``auto``, ``cpu``, ``gpu`` (or ``cuda``) or ``mps``; of several GPUs this process's own, which is
            the first.
        precision: Arithmetic of the networks.

    Raises:
        UserError: If there is no such accelerator here, or no such precision.

    Example:
        >>> hardware_on("cpu", "32-true").device.type
        'cpu'
    """
    _check(accelerator)
    if precision not in PRECISIONS:
        raise UserError(f"--precision {precision!r} (precision=): {suggest(precision, PRECISIONS)}")
    there = [name for name, module in (("cuda", torch.cuda), ("mps", torch.mps)) if module.is_available()]
    wanted = {"auto": [*there, "cpu"], "gpu": there, "cpu": ["cpu"]}.get(
        accelerator, [accelerator] if accelerator in there else []
    )
    if not wanted:
        raise _absent(f"--accelerator {accelerator} (accelerator=)", f"torch {torch.__version__} finds none")
    device = torch.device("cuda", torch.cuda.current_device()) if wanted[0] == "cuda" else torch.device(wanted[0])
    return Hardware(device, precision)


def fabric_on(accelerator: str, devices: int | str, precision: Precision, *, nodes: int = 1) -> Fabric:
    """Return the devices that a user asks for, for a training.

    Args:
        accelerator: ``auto``, ``cpu``, ``gpu`` (or ``cuda``) or ``mps``.
        devices: How many on each node, or ``auto``.
        precision: Arithmetic of the networks.
        nodes: Number of nodes.

    Raises:
        UserError: If there is no such accelerator here, or not as many devices.

    Example:
        >>> fabric_on("cpu", 1, "32-true").device.type
        'cpu'
        >>> fabric_on("cpu", "two", "32-true")
        Traceback (most recent call last):
        anysyn.errors.UserError: --devices 'two': write a number of at least 1, or auto
    """
    from lightning_fabric import Fabric

    _check(accelerator)
    if not (str(devices) == "auto" or (str(devices).isdecimal() and int(devices) > 0)):
        raise UserError(f"--devices {devices!r}: write a number of at least 1, or auto")
    try:
        return Fabric(accelerator=accelerator, devices=devices, num_nodes=nodes, precision=precision)
    except (RuntimeError, ValueError, TypeError, ImportError) as error:  # what Lightning raises where one is missing
        reason = " ".join(str(error).split())
        raise _absent(f"--accelerator {accelerator} --devices {devices}", reason) from error


def emulated(device: torch.device, precision: Precision) -> str | None:
    """Return what to say of 16 bits on a processor without arithmetic of them, which takes many times as long.

    Args:
        device: Where networks compute.
        precision: Arithmetic of the networks.

    Example:
        >>> emulated(torch.device("cpu"), "32-true") is None
        True
    """
    if device.type != "cpu" or precision == "32-true" or _has_bfloat16():
        return None
    return (
        f"{precision} on this processor: it has no arithmetic of 16 bits, and emulates it many times slower than 32; "
        "choose precision=32-true in a training, --precision 32-true (precision='32-true') elsewhere"
    )


def _has_bfloat16() -> bool:
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return True  # nobody knows
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # what torch itself asks before it uses oneDNN


def _check(accelerator: str) -> None:
    if accelerator not in ACCELERATORS:
        raise UserError(f"--accelerator {accelerator!r} (accelerator=): {suggest(accelerator, ACCELERATORS)}")


def _absent(asked: str, reason: str) -> UserError:
    return UserError(f"{asked}: not on this machine ({reason}); choose --accelerator cpu, or auto for what is there")
