"""Alignment: does an image-text model know the modalities, and does its loss notice a wrong one? (OmniSyn, Table 5)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pandas as pd

from anysyn.evaluation.tables.format import aligned
from anysyn.probes.encoders import image_text_model
from anysyn.probes.findings import ALIGNMENT, Findings, inquire
from anysyn.probes.modality_accuracy.accuracy import UNNAMED, accuracies, cells, descriptions_told
from anysyn.probes.modality_accuracy.predictions import slice_rows, text_rows
from anysyn.progress import Progress
from anysyn.synthesis import load_run
from anysyn.synthesis.loaded_run import LoadedRun, networks
from anysyn.types import ImageTextModel


@dataclass(frozen=True, kw_only=True)
class AlignmentResults(Findings):
    """Hold how well an image-text model knows the modalities.

    Args:
        texts: As `text_rows` writes them.
        slices: Columns subject, dataset, slice, modality, found, and those of `image_columns`.
        accuracy: As `accuracies` writes it.
        losses: As `descriptions_told` writes it.
    """

    texts: pd.DataFrame
    slices: pd.DataFrame
    accuracy: pd.DataFrame
    losses: pd.DataFrame

    def table(self) -> list[str]:
        """Return the accuracies and the losses."""
        found = ["of", "dataset", "in_training", "modality", "count"]
        told = ["modality", "description", "slices", "right", "wrong"]
        return [
            *aligned([[*found, "accuracy"], *cells(self.accuracy, found, "accuracy")]),
            "",
            *aligned([[*told, "wrong is higher"], *cells(self.losses, told, "higher")]),
        ]


def evaluate_alignment(
    run: str | Path | LoadedRun,
    *,
    data: str | Path | None = None,
    split: str = "test",
    out: str | Path | None = None,
    batch: int = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> AlignmentResults:
    """Measure how well a run's image-text model tells modalities, by texts and by real images, and its semantic loss.

    Args:
        run: A run folder, or a run that is loaded already.
        data: Root of the subjects; the data of the training, if None.
        split: ``train``, ``validation``, ``test`` or ``all``.
        out: Folder of the results; ``evaluation`` in the run folder, if None. Its folder ``alignment`` gets
            ``texts.csv``, ``slices.csv``, ``accuracy.csv``, ``losses.csv`` and ``record.json``.
        batch: Slices or patches at once: what bounds the memory.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, for a run that is loaded here.
        overwrite: Replace earlier findings.
        progress: Shown what is done; nothing, if None.

    Returns:
        The findings. A subject that fails is listed and the others finish.

    Raises:
        EvaluationError: If the run has no image-text model, there are findings already, or no slice can be measured.
        UserError: If the run cannot be used.

    Example:
        >>> evaluate_alignment("nowhere")
        Traceback (most recent call last):
        anysyn.training.folder.RunError: nowhere holds no recipe.yaml: it is not a run folder
    """
    loaded = load_run(run, accelerator=accelerator) if isinstance(run, str | Path) else run
    name = image_text_model(loaded)
    inquiry = inquire(loaded, ALIGNMENT, data=data, split=split, out=out, overwrite=overwrite, progress=progress)
    model = cast(ImageTextModel, networks(loaded.folder, loaded.recipe, only=[name])[name])
    model.to(loaded.fabric.device).eval()
    names, found = tuple(loaded.recipe.modalities), list[pd.DataFrame]()
    for subject in inquiry.over("telling modalities"):
        with inquiry.listed(subject):
            study = loaded.prepare(subject)
            found.append(slice_rows(model, study, view=loaded.view, modalities=names, fabric=loaded.fabric, size=batch))
    inquiry.check_any(len(found))
    texts, rows = text_rows(model, names), pd.concat(found, ignore_index=True)
    trained = sorted(loaded.pipeline.typical.datasets)
    tables = {
        "texts": texts,
        "slices": rows,
        "accuracy": accuracies(texts, rows, trained),
        "losses": descriptions_told(rows),
    }
    known = ", ".join(dataset or UNNAMED for dataset in trained)
    notes = (f"Real images; {name!r} is the image-text model. Datasets of the training: {known}.",)
    inquiry.write(tables, {"model": name, "notes": notes})
    return AlignmentResults(folder=inquiry.folder, failures=tuple(inquiry.failures), notes=notes, **tables)
