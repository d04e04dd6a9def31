"""Comparison runs: loaded, and rejected if they are incompatible with the run that is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import Field

from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.tables.cases_table import MODEL
from anysyn.probes.probe import Options
from anysyn.recipe import Recipe
from anysyn.synthesis import load_run
from anysyn.synthesis.loaded_run import LoadedRun


class CompareOptions(Options):
    """Further runs that are asked the same."""

    compare: tuple[str, ...] = Field((), description="Further RUN or LABEL=RUN to ask the same; repeat for more.")


def load_comparison_run(run: LoadedRun, text: str, *, same: Sequence[str], accelerator: str) -> tuple[str, LoadedRun]:
    """Load a comparison run.

    Args:
        run: The run that is asked.
        text: ``FOLDER`` or ``LABEL=FOLDER``.
        same: What the two must agree in: ``"modalities"``, or keys of the section ``data``.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.

    Returns:
        Its label, by default the name of its folder, and the run.

    Raises:
        EvaluationError: If they do not agree.
        RunError: If it cannot be read.
    """
    label, path = comparison_folder(text)
    other = load_run(path, accelerator=accelerator)
    for what in same:
        if _key(run.recipe, what) != _key(other.recipe, what):
            raise EvaluationError(
                f"{path}: its {what} is not that of {run.folder.path}, so the two cannot be compared; "
                "train it with the same modalities and data"
            )
    return label, other


def comparison_folder(text: str) -> tuple[str, Path]:
    """Split a comparison run into its label, by default the name of its folder, and its folder.

    Args:
        text: ``FOLDER`` or ``LABEL=FOLDER``.

    Raises:
        EvaluationError: If the label or the folder is empty.

    Example:
        >>> comparison_folder("one-hot=runs/label")[0], comparison_folder("runs/label")[0]
        ('one-hot', 'label')
    """
    label, equals, folder = text.partition("=")
    if not (label and (folder or not equals)):
        raise EvaluationError(f"--compare {text!r}: write it as RUN or LABEL=RUN")
    return (label, Path(folder)) if equals else (Path(text).resolve().name, Path(text))


def load_comparison_runs(
    run: LoadedRun, compare: Sequence[str], *, same: Sequence[str], taken: Sequence[str] = (), accelerator: str
) -> dict[str, LoadedRun]:
    """Load comparison runs that were trained on the same subjects.

    Args:
        run: The run that is asked; it comes first, as the model.
        compare: Each ``FOLDER`` or ``LABEL=FOLDER``.
        same: What all must agree in, as in `load_comparison_run`.
        taken: Labels that mean something else.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.

    Returns:
        The runs by their labels.

    Raises:
        EvaluationError: If they do not agree, two have one label, or one was trained on other subjects.
        RunError: If one cannot be read.
    """
    runs = {MODEL: run}
    for text in compare:
        label, other = load_comparison_run(run, text, same=same, accelerator=accelerator)
        where = other.folder.path
        if label in (*runs, *taken):
            raise EvaluationError(f"two methods are called {label!r}; give one another name: --compare NAME={where}")
        packaged = next((one.folder.path for one in (run, other) if one.folder.packaged), None)
        if packaged is not None:
            raise EvaluationError(f"{packaged} is a packaged run and does not say whom it has seen; compare other runs")
        if other.folder.read("split.json") != run.folder.read("split.json"):
            raise EvaluationError(f"{where} was trained on other subjects than {run.folder.path}")
        runs[label] = other
    return runs


def _key(recipe: Recipe, what: str) -> object:
    return recipe.spec()["modalities"] if what == "modalities" else recipe.spec()["data"][what]
