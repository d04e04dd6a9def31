"""Modulation: does asking for another dataset bring a synthesis closer to the intensities of that dataset?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.data.records import Subject, listed
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.tables.format import aligned
from anysyn.probes.comparison_runs import load_all_beside
from anysyn.probes.dataset_swap.collect import REAL, Swapped
from anysyn.probes.dataset_swap.distances import HEADINGS, summary_cells, swap_means
from anysyn.probes.dataset_swap.synthesize import pairs_of, wanted_pairs
from anysyn.probes.dataset_swap.training_images import coverage, references_of, shared, training_of
from anysyn.probes.findings import MODULATION, Findings, first_reason, json_rows, open_findings, write_findings
from anysyn.progress import Progress
from anysyn.registry import suggest
from anysyn.synthesis import load_run
from anysyn.synthesis.dataset_request import reads_dataset
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.missing_contrasts import trained_for

SAME = ("modalities", "prepare", "resample_to", "split")  # what runs that are compared agree in; views may differ


@dataclass(frozen=True, kw_only=True)
class ModulationResults(Findings):
    """Hold whether syntheses move towards the dataset that is asked for.

    Args:
        rows: Columns `anysyn.probes.dataset_swap.distances.ABOUT` and ``DISTANCES``, a row for each comparison.
        summary: As `swap_means` returns it.
        curves: As `Swapped` draws them: the real images of each dataset, and all syntheses as of it.
    """

    rows: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame

    def table(self) -> list[str]:
        """Return the summary."""
        return aligned([HEADINGS, *summary_cells(self.summary)])


def evaluate_modulation(
    run: str | Path | LoadedRun,
    *,
    beside: Sequence[str] = (),
    data: str | Path | None = None,
    split: str = "test",
    pairs: str | None = None,
    training: str | Path | None = None,
    out: str | Path | None = None,
    batch: int = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ModulationResults:
    """Ask for each target as coming from each dataset of the training, and compare with its real training images.

    Compared are the intensities of the foreground, on the scale of prepared images, by the Wasserstein-1 distance.

    Args:
        run: A run folder, or a run that is loaded already.
        beside: Run folders that are asked the same, each ``FOLDER`` or ``LABEL=FOLDER``.
        data: Root of the subjects; the data of the training, if None.
        split: ``train``, ``validation``, ``test`` or ``all``.
        pairs: For example ``"T1w:T2w,T1w+T2w:FLAIR"``; each target from all other images of the subject, if None.
        training: Root of the training subjects, where they were moved.
        out: Folder of the results; ``evaluation`` in the run folder, if None. Its folder ``modulation`` gets
            ``swaps.csv``, ``summary.csv``, ``curves.csv`` and ``record.json``.
        batch: Slices or patches the network sees at once: what bounds the memory.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, for runs that are loaded here.
        overwrite: Replace earlier findings.
        progress: Shown what is done; nothing, if None.

    Returns:
        The findings. A subject that fails is listed and the others finish.

    Raises:
        EvaluationError: If the training has one dataset alone, no subject is of a dataset of the training, runs cannot
            be compared, or there are findings already.
        UserError: If a run cannot be used.

    Example:
        >>> evaluate_modulation("nowhere")
        Traceback (most recent call last):
        anysyn.training.folder.RunError: nowhere holds no recipe.yaml: it is not a run folder
    """
    loaded = load_run(run, accelerator=accelerator) if isinstance(run, str | Path) else run
    runs = load_all_beside(loaded, beside, same=SAME, taken=[REAL], accelerator=accelerator)
    names = loaded.recipe.modalities
    learned, unlearned = training_of(loaded, training)
    covered = coverage(learned, names)
    targets, wanted = shared(covered, loaded.folder.path), wanted_pairs(pairs, names, covered)
    _check_known(runs, {name for target in targets for name in covered[target]})
    subjects, unread = loaded.subjects(data, split)
    chosen = _of_known(subjects, loaded, f"--data {data}" if data else str(loaded.recipe.data.root))
    folder = open_findings(loaded.folder, out, MODULATION, overwrite=overwrite)
    shown, failures = progress or Progress(), [*unlearned, *unread]
    references = references_of(loaded, learned, targets, failures, shown)
    trained, swapped = trained_for(loaded.recipe), Swapped(runs, references, batch)
    for subject in shown.over("asking for datasets", chosen):
        with listed(failures, subject.key):
            if asked := pairs_of(subject, references, wanted, trained):
                swapped.add(loaded.prepare(subject), asked)
    if swapped.rows.empty:
        why = first_reason(failures)
        raise EvaluationError(f"no subject could be asked for another dataset{why}; choose other --pairs or --split")
    tables = {"rows": swapped.rows, "summary": swap_means(swapped.rows), "curves": swapped.curves}
    notes = tuple(_notes(tables["rows"], runs, covered, targets, len(subjects) - len(chosen)))
    record: dict[str, Any] = {"run": loaded.folder.path, "data": data, "split": split, "pairs": pairs}
    record |= {"training": training, "beside": list(beside), "training images": covered, "notes": notes}
    record["summary"] = json_rows(tables["summary"])
    written = {"swaps": tables["rows"], "summary": tables["summary"], "curves": tables["curves"]}
    write_findings(loaded.folder, folder, written, record, failures)
    return ModulationResults(folder=folder, failures=tuple(failures), notes=notes, **tables)


def _check_known(runs: Mapping[str, LoadedRun], names: set[str]) -> None:
    """Refuse a run that is told of datasets, but was not trained on one that is asked for."""
    for one in (one for one in runs.values() if reads_dataset(one.model)):
        for name in sorted(names - set(one.datasets.learned)):
            raise EvaluationError(f"{one.folder.path} does not know {name!r}; {suggest(name, one.datasets.learned)}")


def _of_known(subjects: Sequence[Subject], run: LoadedRun, where: str) -> list[Subject]:
    """Keep the subjects of the training's datasets; without one nobody has a dataset to be compared with."""
    known = run.datasets.learned
    kept = [subject for subject in subjects if subject.dataset in known]
    if not kept:
        found = sorted({subject.dataset for subject in subjects})
        raise EvaluationError(
            f"{where}: no subject is of a dataset of the training, but of {', '.join(map(repr, found))}; "
            f"{suggest(found[0], known)}"
        )
    return kept


def _notes(
    rows: pd.DataFrame,
    runs: Mapping[str, LoadedRun],
    covered: Mapping[str, Mapping[str, int]],
    targets: Sequence[str],
    strangers: int,
) -> Iterator[str]:
    yield f"Comparisons of each method: {len(rows) // rows['method'].nunique()}; subjects: {rows['subject'].nunique()}."
    counted = (f"{name} {', '.join(f'{of} {n}' for of, n in covered[name].items())}" for name in targets)
    yield f"Training images: {'; '.join(counted)}."
    for label, one in runs.items():
        if not reads_dataset(one.model):
            yield f"{label} is not told of datasets, so its answer is the same whichever is asked for."
    if strangers:
        yield f"{strangers} subjects are of no dataset of the training and are left out."
    alone = [f"{name} ({', '.join(held)})" for name, held in covered.items() if name not in targets and held]
    if alone:
        yield f"One dataset alone has {', '.join(alone)}, so no other can be asked for it."
