"""Retrieval: does an image-text model find the prompt of an image, and its modality? (TUMSyn, Supplementary Fig. 1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pandas as pd

from anysyn import build
from anysyn.data.views import View
from anysyn.evaluation.tables.format import aligned, number
from anysyn.probes.encoders import image_text_model
from anysyn.probes.findings import RETRIEVAL, Findings, inquire
from anysyn.probes.prompt_retrieval.ranks import CANDIDATES, Paired, accuracies, paired, retrieved
from anysyn.progress import Progress
from anysyn.recipe import Recipe
from anysyn.synthesis import load_run
from anysyn.synthesis.loaded_run import LoadedRun, networks
from anysyn.types import ImageTextModel

ACCURACY = ("of", "dataset", "modality", "count", "accuracy", "chance")


@dataclass(frozen=True, kw_only=True)
class RetrievalResults(Findings):
    """Hold how well an image-text model finds the text of an image.

    Args:
        images: As `retrieved` writes them.
        accuracy: As `accuracies` writes it.
    """

    images: pd.DataFrame
    accuracy: pd.DataFrame

    def table(self) -> list[str]:
        """Return the accuracies."""
        return aligned([[*ACCURACY], *accuracy_cells(self.accuracy)])


def evaluate_retrieval(
    run: str | Path | LoadedRun,
    *,
    data: str | Path | None = None,
    split: str = "test",
    out: str | Path | None = None,
    batch: int = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> RetrievalResults:
    """Measure how often a run's image-text model finds the prompt of a real image, and its modality.

    Images are seen as in the stage that trained the model. The text is looked for among ten: its own and nine others of
    the subjects measured, on average over all choices of the nine; the modality among the descriptions of all.

    Args:
        run: A run folder, or a run that is loaded already.
        data: Root of the subjects; the data of the training, if None.
        split: ``train``, ``validation``, ``test`` or ``all``.
        out: Folder of the results; ``evaluation`` in the run folder, if None. Its folder ``retrieval`` gets
            ``images.csv``, ``accuracy.csv`` and ``record.json``.
        batch: Pieces of a volume at once: what bounds the memory.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, for a run that is loaded here.
        overwrite: Replace earlier findings.
        progress: Shown what is done; nothing, if None.

    Returns:
        The findings. A subject that fails is listed and the others finish.

    Raises:
        EvaluationError: If the run has no image-text model, there are findings already, or no image can be measured.
        UserError: If the run cannot be used, or a prompt is too long for its model.

    Example:
        >>> evaluate_retrieval("nowhere")
        Traceback (most recent call last):
        anysyn.training.folder.RunError: nowhere holds no recipe.yaml: it is not a run folder
    """
    loaded = load_run(run, accelerator=accelerator) if isinstance(run, str | Path) else run
    name = image_text_model(loaded)
    inquiry = inquire(loaded, RETRIEVAL, data=data, split=split, out=out, overwrite=overwrite, progress=progress)
    model = cast(ImageTextModel, networks(loaded.folder, loaded.recipe, only=[name])[name])
    model.to(loaded.fabric.device).eval()
    names, view, found = tuple(loaded.recipe.modalities), view_of(loaded.recipe), list[Paired]()
    for subject in inquiry.over("reading images"):
        with inquiry.listed(subject):
            study = loaded.prepare(subject)
            found += paired(model, study, view=view, modalities=names, fabric=loaded.fabric, size=batch)
    inquiry.check_any(len(found))
    images = retrieved(model, found, names)
    tables = {"images": images, "accuracy": accuracies(images, len(names))}
    prompts = images["prompt"].nunique()
    notes = (
        f"Real images; {name!r} is the image-text model. Prompts that differ: {prompts}; "
        f"candidates for an image: {min(CANDIDATES, prompts)}.",
    )
    inquiry.write(tables, {"model": name, "notes": notes})
    return RetrievalResults(folder=inquiry.folder, failures=tuple(inquiry.failures), notes=notes, **tables)


def view_of(recipe: Recipe) -> View:
    """Return how the last stage that pairs images and prompts sees volumes; if there is none, how all stages do.

    Args:
        recipe: The checked recipe.

    Example:
        >>> type(view_of(build.load("small/label"))).__name__
        'Slices'
    """
    spec = recipe.data.view
    for stage in recipe.stages:
        if any(step.objective["name"] == "clip_pairs" for step in stage.steps):  # type: ignore[index]
            spec = stage.view or recipe.data.view
    view: View = build.make(recipe, spec, "view")
    return view


def accuracy_cells(table: pd.DataFrame) -> list[list[str]]:
    """Write the accuracies for a reader.

    Args:
        table: As `accuracies` writes it.
    """
    return [
        [
            *(str(row[key]) for key in ("of", "dataset", "modality", "count")),
            *(f"{number(100 * row[key], 1)} %" for key in ("accuracy", "chance")),
        ]
        for row in table.to_dict("records")
    ]
