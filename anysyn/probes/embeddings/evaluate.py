"""Embeddings: does an encoder see the anatomy of a slice, or its modality? (OmniSyn, Table 5 left and Fig. 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from anysyn.evaluation.tables.format import aligned, number
from anysyn.probes.embeddings.cosines import arranged
from anysyn.probes.embeddings.slices import Embedded, embed_study, summarise
from anysyn.probes.encoders import encoders_of
from anysyn.probes.findings import EMBEDDINGS, Findings, inquire
from anysyn.progress import Progress
from anysyn.synthesis import load_run
from anysyn.synthesis.loaded_run import LoadedRun


@dataclass(frozen=True, kw_only=True)
class EmbeddingResults(Findings):
    """Hold what the embeddings of several encoders are like.

    Args:
        cosines: As `cosine_table` writes them, for each encoder.
        coordinates: Columns encoder, subject, dataset, slice, modality, x, y: principal components.
    """

    cosines: pd.DataFrame
    coordinates: pd.DataFrame

    def table(self) -> list[str]:
        """Return the cosines."""
        labels, groups = arranged(self.cosines)
        rows = [
            [title, pair, *(number(value, 4) for value in values)] for title, part in groups for pair, values in part
        ]
        return aligned([["mean cosine with", "modalities", *labels], *rows])


def evaluate_embeddings(
    run: str | Path | LoadedRun,
    *,
    data: str | Path | None = None,
    split: str = "test",
    encoders: Sequence[str] = (),
    out: str | Path | None = None,
    batch: int = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> EmbeddingResults:
    """Compare the embeddings of the same and of different slices, before the training and after its stages.

    Args:
        run: A run folder, or a run that is loaded already.
        data: Root of the subjects; the data of the training, if None.
        split: ``train``, ``validation``, ``test`` or ``all``.
        encoders: Further run folders whose last encoder stands beside, each ``FOLDER`` or ``LABEL=FOLDER``.
        out: Folder of the results; ``evaluation`` in the run folder, if None. Its folder ``embeddings`` gets
            ``cosines.csv``, ``coordinates.csv`` and ``record.json``.
        batch: Slices or patches the network sees at once: what bounds the memory.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, for a run that is loaded here.
        overwrite: Replace earlier findings.
        progress: Shown what is done; nothing, if None.

    Returns:
        The findings. A subject that fails is listed and the others finish.

    Raises:
        EvaluationError: If there are findings already, encoders cannot be compared, or no slice can be measured.
        UserError: If a run cannot be used.

    Example:
        >>> evaluate_embeddings("nowhere")
        Traceback (most recent call last):
        anysyn.training.folder.RunError: nowhere holds no recipe.yaml: it is not a run folder
    """
    loaded = load_run(run, accelerator=accelerator) if isinstance(run, str | Path) else run
    models, names = encoders_of(loaded, encoders), tuple(loaded.recipe.modalities)
    inquiry = inquire(loaded, EMBEDDINGS, data=data, split=split, out=out, overwrite=overwrite, progress=progress)
    embedded = Embedded({label: [] for label in models})
    given: dict[str, Any] = {"view": loaded.view, "modalities": names, "fabric": loaded.fabric, "size": batch}
    for subject in inquiry.over("embedding"):
        with inquiry.listed(subject):
            study = loaded.prepare(subject)
            dataset = loaded.dataset_weights(study)
            found = {label: embed_study(model, study, dataset=dataset, **given) for label, model in models.items()}
            held = torch.tensor([name in study.images for name in names])  # (M,)
            embedded.add(study, found, held.expand(len(next(iter(found.values()))), -1))
    inquiry.check_any(len(embedded.slices))
    tables, shares = summarise(embedded, names)
    notes = (f"Slices: {len(embedded.slices)}; subjects: {len(embedded.available)}.",)
    inquiry.write(tables, {"encoders": list(encoders), "explained variance": shares, "notes": notes})
    return EmbeddingResults(folder=inquiry.folder, failures=tuple(inquiry.failures), notes=notes, **tables)
