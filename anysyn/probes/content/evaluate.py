"""Content: does an encoder make the same of a place whatever modality shows it? With the alpha and beta it learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.data.records import Subject
from anysyn.evaluation.tables.format import aligned, number
from anysyn.probes.content.alpha_beta import CONTRASTS, Asked, asked_about, contrast_table, contrasts_of
from anysyn.probes.content.features import Maps, maps_of
from anysyn.probes.content.likeness import (
    ABOUT,
    VALUES,
    by_modalities,
    summary,
    summary_cells,
    summary_headings,
    tile_rows,
)
from anysyn.probes.encoders import encoders_of
from anysyn.probes.findings import CONTENT, Findings, inquire, json_rows
from anysyn.progress import Progress
from anysyn.synthesis import load_run
from anysyn.synthesis.loaded_run import LoadedRun


@dataclass(frozen=True, kw_only=True)
class ContentResults(Findings):
    """Hold how alike the features of one anatomy from different sources are.

    Args:
        tiles: Columns `anysyn.probes.content.likeness.ABOUT` and ``VALUES``.
        pairs: As `by_modalities` writes them.
        summary: As `summary` writes it.
        contrasts: As `contrast_table` writes them; empty if the run has no alpha and beta.
    """

    tiles: pd.DataFrame
    pairs: pd.DataFrame
    summary: pd.DataFrame
    contrasts: pd.DataFrame

    def table(self) -> list[str]:
        """Return the summary."""
        return aligned([summary_headings(), *summary_cells(self.summary)])


def evaluate_content(
    run: str | Path | LoadedRun,
    *,
    data: str | Path | None = None,
    split: str = "test",
    encoders: Sequence[str] = (),
    tiles: int = 12,
    out: str | Path | None = None,
    batch: int = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ContentResults:
    """Compare what comes out of encoders, of one place from different sources, with that of other places and people.

    Where a conditioner on the encoder's side took the contrast off, that is the content.

    Args:
        run: A run folder, or a run that is loaded already.
        data: Root of the subjects; the data of the training, if None.
        split: ``train``, ``validation``, ``test`` or ``all``.
        encoders: Further run folders whose last encoder stands beside, each ``FOLDER`` or ``LABEL=FOLDER``.
        tiles: Slices, slabs or blocks of each subject, evenly spread.
        out: Folder of the results; ``evaluation`` in the run folder, if None. Its folder ``content`` gets
            ``tiles.csv``, ``pairs.csv``, ``summary.csv``, ``contrasts.csv`` and ``record.json``.
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
        >>> evaluate_content("nowhere")
        Traceback (most recent call last):
        anysyn.training.folder.RunError: nowhere holds no recipe.yaml: it is not a run folder
    """
    loaded = load_run(run, accelerator=accelerator) if isinstance(run, str | Path) else run
    models, names = encoders_of(loaded, encoders), tuple(loaded.recipe.modalities)
    inquiry = inquire(loaded, CONTENT, data=data, split=split, out=out, overwrite=overwrite, progress=progress)
    rows, latest, sizes = list[dict[str, Any]](), Latest(), list[tuple[float, float, float]]()
    given: dict[str, Any] = {"view": loaded.view, "modalities": names, "fabric": loaded.fabric, "size": batch}
    for subject in inquiry.over("comparing content"):
        with inquiry.listed(subject):
            study = loaded.prepare(subject)
            given |= {"most": tiles, "dataset": loaded.dataset_weights(study)}
            found = {label: maps_of(model, study, **given) for label, model in models.items()}
            about, other = {"subject": study.key, "dataset": study.dataset}, latest.beside(subject)
            rows += [
                about | row for label in found for row in tile_rows(found[label], other.get(label, ()), names, label)
            ]
            latest.add(subject, found)
            sizes.append(study.grid.voxel_size)
    inquiry.check_any(len(rows))
    whole = pd.DataFrame(rows)[[*ABOUT, *VALUES]]
    asked = asked_about(loaded.subjects(data, "all")[0], names, sizes[0])
    contrasts, shares = _contrasts(loaded, asked, names, batch)
    tables = {"tiles": whole, "pairs": by_modalities(whole), "summary": summary(whole), "contrasts": contrasts}
    notes = tuple(_notes(whole, shares))
    record = {"encoders": list(encoders), "explained variance": shares, "notes": notes}
    inquiry.write(tables, record | {"summary": json_rows(tables["summary"])})
    return ContentResults(folder=inquiry.folder, failures=tuple(inquiry.failures), notes=notes, **tables)


class Latest:
    """Hold the maps of the latest subject, and of the latest one who was somebody else."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, Mapping[str, Sequence[Maps]]]] = []

    def beside(self, subject: Subject) -> Mapping[str, Sequence[Maps]]:
        """Return by encoder the maps of the latest subject who is another person; none at the beginning."""
        return next((maps for whose, maps in reversed(self.kept) if whose != (subject.person or subject.key)), {})

    def add(self, subject: Subject, maps: Mapping[str, Sequence[Maps]]) -> None:
        """Keep the maps of a subject, in place of earlier ones of the same person."""
        person = subject.person or subject.key
        self.kept = [*(one for one in self.kept if one[0] != person), (person, maps)][-2:]


def _contrasts(
    run: LoadedRun, asked: Sequence[Asked], names: Sequence[str], size: int
) -> tuple[pd.DataFrame, dict[str, list[float]]]:
    found = contrasts_of(run.model, asked, names, size) if asked else None
    table, shares = contrast_table(asked, found) if found is not None else (pd.DataFrame(), {})
    varies = any(share for part in shares.values() for share in part)  # it may be told of the dataset alone
    return (table, shares) if varies else (pd.DataFrame(columns=list(CONTRASTS)), {})


def _notes(tiles: pd.DataFrame, shares: Mapping[str, Sequence[float]]) -> Iterator[str]:
    yield f"Places: {len(tiles.groupby(['subject', 'tile']))}; subjects: {tiles['subject'].nunique()}."
    if shares:
        said = ", ".join(f"{part} {number(100 * share[2], 1)} %" for part, share in shares.items())
        yield f"Of the variance over the cohort's acquisitions this lies between modalities: {said}."
