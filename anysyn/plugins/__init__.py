"""Registration of every part: the package's own, and those of installed plugins."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from anysyn.errors import reason

GROUP = "anysyn.plugins"
OWN = (
    "anysyn.losses",
    "anysyn.data.augment",
    "anysyn.data.loading.batches",
    "anysyn.data.prepare",
    "anysyn.data.views",
    "anysyn.scans.preparations",
    "anysyn.descriptors",
    "anysyn.conditioners",
    "anysyn.encoders",
    "anysyn.decoders",
    "anysyn.clip",
    "anysyn.discriminators",
    "anysyn.synthesizer",
    "anysyn.diffusion",
    "anysyn.objectives",
    "anysyn.queries",
    "anysyn.optimizers",
    "anysyn.loggers",
    "anysyn.evaluation.metrics.presets",
    "anysyn.evaluation.degradation.corruptions",
)


def enrol() -> list[str]:
    """Import what registers parts: our own modules, then the entry points of the group ``anysyn.plugins``.

    Returns:
        A line for each installed plugin that does not load.

    Example:
        >>> from anysyn.registry import names
        >>> _ = enrol()
        >>> "unet" in names("encoder")
        True
    """
    for module in OWN:
        importlib.import_module(module)
    return enrol_plugins()


def enrol_plugins() -> list[str]:
    """Import the entry points of the group ``anysyn.plugins``, which registers what they add.

    One that does not load ends nothing: a recipe that names its parts is refused, and every command says so at its end.

    Returns:
        A line for each that does not load.

    Example:
        >>> all("does not load" in line for line in enrol_plugins())
        True
    """
    broken = list[str]()
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            point.load()
        except Exception as error:
            why = f"{type(error).__name__}: {reason(error)}"
            broken.append(f"plugin {point.name!r} ({point.value}) does not load: {why}; mend or uninstall it")
    return broken
