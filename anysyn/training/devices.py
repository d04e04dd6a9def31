"""The devices and the precision that work is done with; what is not on this machine is refused in one line."""

from __future__ import annotations

from lightning_fabric import Fabric

from anysyn.errors import UserError
from anysyn.recipe.sections import Precision
from anysyn.registry import suggest

ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")


def fabric_on(accelerator: str, devices: int | str, precision: Precision) -> Fabric:
    """Return the devices that a user asks for.

    Args:
        accelerator: ``auto``, ``cpu``, ``gpu`` (or ``cuda``) or ``mps``.
        devices: How many, or ``auto``.
        precision: Arithmetic of the networks.

    Raises:
        UserError: If there is no such accelerator here, or not as many devices.

    Example:
        >>> fabric_on("cpu", 1, "32-true").device.type
        'cpu'
        >>> fabric_on("cpu", "two", "32-true")
        Traceback (most recent call last):
        anysyn.errors.UserError: --devices 'two': write a number of at least 1, or auto
    """
    if accelerator not in ACCELERATORS:
        raise UserError(f"--accelerator {accelerator!r}: {suggest(accelerator, ACCELERATORS)}")
    if not (str(devices) == "auto" or (str(devices).isdecimal() and int(devices) > 0)):
        raise UserError(f"--devices {devices!r}: write a number of at least 1, or auto")
    try:
        return Fabric(accelerator=accelerator, devices=devices, precision=precision)
    except (RuntimeError, ValueError, TypeError, ImportError) as error:  # what Lightning raises where one is missing
        reason = " ".join(str(error).split())
        raise UserError(
            f"--accelerator {accelerator} --devices {devices}: not on this machine ({reason}); "
            "choose --accelerator cpu, or auto for what is there"
        ) from error
