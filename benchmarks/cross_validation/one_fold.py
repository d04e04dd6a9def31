"""The work of one fold, of which nothing is done twice: the training, and a measurement by each protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anysyn.evaluation.evaluate import evaluate
from anysyn.progress import Progress
from anysyn.training import fit
from anysyn.training.run_folder.folder import RunFolder


def train_once(recipe: str, overrides: list[str], run: Path, *, accelerator: str, progress: Progress) -> None:
    """Train a recipe, go on with a training that was stopped, or leave a finished one as it is.

    Args:
        recipe: A YAML file, or the name of a recipe.
        overrides: Each ``path.to.key=value``.
        run: The run folder.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``.
        progress: Shows the progress.
    """
    folder, options = RunFolder(run), {"accelerator": accelerator, "progress": progress}
    if folder.weights.is_file():
        return
    if folder.recipe.is_file():
        fit.resume(run, **options)
    else:
        fit.train(recipe, out=run, overrides=overrides, **options)


def measure_once(run: Path, protocol: str, *, progress: Progress, **options: Any) -> Path:
    """Measure a run on its test people by a protocol unless it is done, and return the folder of the results.

    Args:
        run: The run folder.
        protocol: Name of the protocol.
        progress: Shows the progress.
        options: ``pairs`` and ``accelerator``, as `evaluate` takes them.
    """
    results = run / f"evaluation-{protocol}"
    if not (results / "cases.csv").is_file():
        evaluate(run, out=results, protocol=protocol, progress=progress, **options)
    return results
