"""A run as functions are given it: a folder, a name, or a run that is loaded already."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from anysyn.errors import UserError
from anysyn.recipe.sections import Precision
from anysyn.synthesis.loaded_run import LoadedRun, load_run


class HoldsRun(Protocol):
    """What holds a loaded run, as that of `anysyn.load` does."""

    @property
    def loaded(self) -> LoadedRun:
        """Return it."""


GivenRun = str | Path | LoadedRun | HoldsRun  # for annotations


def loaded_run(run: GivenRun, *, accelerator: str = "auto", precision: Precision | None = None) -> LoadedRun:
    """Return a run with its networks; one that is loaded already stays as it is.

    Args:
        run: A run folder, the name of a packaged run, or what `anysyn.load` or `load_run` returned.
        accelerator: As for `load_run`.
        precision: As for `load_run`.

    Raises:
        RunError: As `load_run`.
        UserError: If a loaded run has another precision.

    Example:
        >>> loaded_run("nowhere")
        Traceback (most recent call last):
        anysyn.training.run_folder.records.RunError: nowhere holds no recipe.yaml: it is not a run folder, and no ...
    """
    given: Any = getattr(run, "loaded", run)
    if not hasattr(given, "predict"):  # a folder or a name, or what is no run, which is said
        return load_run(given, accelerator=accelerator, precision=precision)
    loaded: LoadedRun = given
    if precision is not None and precision != loaded.hardware.precision:
        has = loaded.hardware.precision
        raise UserError(f"precision {precision}: the run is loaded in {has} already; name its folder instead")
    return loaded
