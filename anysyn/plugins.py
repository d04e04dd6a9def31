"""Registration of every part: the package's own, and those of installed plugins."""

from __future__ import annotations

import importlib
from importlib.metadata import entry_points

from anysyn.errors import RecipeError

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
    "anysyn.shortcuts",
    "anysyn.synthesizer",
    "anysyn.diffusion",
    "anysyn.objectives",
    "anysyn.queries",
    "anysyn.optimizers",
    "anysyn.evaluation.metrics.presets",
    "anysyn.evaluation.degradation.corruptions",
)


def enrol() -> list[str]:
    """Import what registers parts: our own modules, then the entry points of the group ``anysyn.plugins``.

    Returns:
        The names of the installed plugins.

    Raises:
        RecipeError: If a plugin cannot be imported; the message names it.

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

    Returns:
        The names of the installed plugins.

    Raises:
        RecipeError: If a plugin cannot be imported; the message names it.
    """
    plugins = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    for point in plugins:
        try:
            point.load()
        except Exception as error:
            raise RecipeError(f"plugin {point.name!r} ({point.value}) does not load: {error!r}") from error
    return [point.name for point in plugins]
