"""Which probes there are: every folder beside this file that registers one, and those of installed plugins."""

from __future__ import annotations

import pkgutil
import warnings
from importlib import import_module
from typing import cast

from anysyn import probes
from anysyn.files import check_name
from anysyn.plugins import enrol
from anysyn.probes.probe import Probe
from anysyn.registry import find, names


def probe_names() -> list[str]:
    """List the registered probes.

    Example:
        >>> "content" in probe_names()
        True
    """
    enrol()
    with warnings.catch_warnings():
        # MONAI's networks bring tqdm's bar along, which no probe shows; a notebook without widgets is warned of it
        warnings.filterwarnings("ignore", message="IProgress not found")
        for module in pkgutil.iter_modules(probes.__path__):
            if module.ispkg:
                import_module(f"{probes.__name__}.{module.name}")
    return names("probe")


def find_probe(name: str) -> type[Probe]:
    """Find a probe by its name.

    Args:
        name: A registered one.

    Raises:
        RecipeError: If there is none of that name; the message lists the choices.
        UserError: If it is registered by a name that cannot be the folder of its findings.

    Example:
        >>> find_probe("contnet")
        Traceback (most recent call last):
        anysyn.errors.RecipeError: no probe named 'contnet'; did you mean 'content'? choices: content, dataset_swap, \
embeddings, lesion_segmentation, metadata_sweep, modality_accuracy, prompt_retrieval, robustness, stage_prediction
    """
    probe_names()
    factory = cast(type[Probe], find("probe", name))
    check_name(name, "a registered probe")
    return factory
