"""Downstream segmentation: does a segmenter of real images find a lesion where one modality is synthesized?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.data.records import Failure, Subject, listed
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.lesion_masks import LABEL_MAP, TASKS, Task, inputs_of, truth_of
from anysyn.evaluation.tables.format import aligned
from anysyn.probes.findings import (
    SEGMENTATION,
    Findings,
    first_reason,
    json_rows,
    open_findings,
    write_findings,
)
from anysyn.probes.lesion_segmentation.dice import (
    ABSENT,
    HEADINGS,
    REAL,
    RETRAINED,
    never_found,
    outlined,
    rows_of,
    summarise,
    summary_cells,
)
from anysyn.probes.lesion_segmentation.example import Slice, write_outlines
from anysyn.probes.lesion_segmentation.train import STEPS, Fitting
from anysyn.probes.lesion_segmentation.unet import Segmenter
from anysyn.progress import Progress
from anysyn.synthesis import load_run
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.missing_contrasts import trained_for


@dataclass(frozen=True, kw_only=True)
class SegmentResults(Findings):
    """Hold what a segmenter finds with one modality real, absent or synthesized.

    Args:
        rows: As `rows_of` writes them.
        summary: As `summarise` returns it.
    """

    rows: pd.DataFrame
    summary: pd.DataFrame

    def table(self) -> list[str]:
        """Return the summary."""
        return aligned([HEADINGS, *summary_cells(self.summary)])


def evaluate_segment(
    run: str | Path | LoadedRun,
    *,
    data: str | Path | None = None,
    split: str = "test",
    training: str | Path | None = None,
    segmenter: str | Path | None = None,
    retrain: bool = False,
    steps: int = STEPS,
    out: str | Path | None = None,
    batch: int = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SegmentResults:
    """Outline lesions with a U-Net of real images, each modality once real, once absent and once synthesized.

    The U-Net is trained on the real images of the run's training subjects, and kept. What is looked for follows from
    the masks that the subjects have: the regions of a glioma, an infarct, or both, each with a U-Net of its own.

    Args:
        run: A run folder, or a run that is loaded already.
        data: Root of the subjects; the data of the training, if None.
        split: ``train``, ``validation``, ``test`` or ``all``.
        training: Root of the training subjects, where they were moved.
        segmenter: Folder of the segmenters. Those that are there are used again, others are trained and kept there;
            ``segmenter`` beside the findings, if None.
        retrain: Also train a U-Net without each of the modalities: what PMM-Synth compares a synthesis with.
        steps: Batches that a segmenter is trained on.
        out: Folder of the results; ``evaluation`` in the run folder, if None. Its folder ``segmentation`` gets
            ``cases.csv``, ``summary.csv``, ``outlines_*.npz`` and ``record.json``.
        batch: Slices or patches that the synthesis sees at once: what bounds the memory.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, for a run that is loaded here.
        overwrite: Replace earlier findings; segmenters that are kept stay.
        progress: Shown what is done; nothing, if None.

    Returns:
        The findings. A subject that fails is listed and the others finish; one without masks, or without one of the
        segmenter's modalities, is left out. A region that the segmenter finds in no real image is a failure, too.

    Raises:
        EvaluationError: If there is nothing to train on or to measure, a segmenter that is kept was trained on
            something else, or there are findings already.
        UserError: If the run cannot be used.

    Example:
        >>> evaluate_segment("nowhere")
        Traceback (most recent call last):
        anysyn.training.folder.RunError: nowhere holds no recipe.yaml: it is not a run folder
    """
    loaded = load_run(run, accelerator=accelerator) if isinstance(run, str | Path) else run
    (learned, unlearned), (asked, unread) = loaded.subjects(training, "train"), loaded.subjects(data, split)
    _check_unseen(loaded, learned, asked, (training, data))
    tasks = _tasks(loaded, learned, asked)
    folder = open_findings(loaded.folder, out, SEGMENTATION, overwrite=overwrite)
    for old in folder.glob("outlines_*.npz"):
        old.unlink()
    place, failures, rows = Path(segmenter or folder / "segmenter"), [*unlearned, *unread], list[dict[str, Any]]()
    for task, inputs in tasks.items():
        fitting = Fitting(
            run=loaded,
            task=task,
            inputs=inputs,
            subjects=learned,
            root=Path(training or loaded.recipe.data.root or ""),
            steps=steps,
            progress=progress or Progress(),
        )
        segmenters = fitting.segmenters(place / task.name, retrain=retrain, failures=failures)
        chosen = [subject for subject in asked if task.able(subject, inputs)]
        for subject in (progress or Progress()).over(f"outlining: {task.name}", chosen):
            with listed(failures, subject.key, task.name):
                rows += _measured(loaded, subject, task, segmenters, batch, folder)
    _check_rows(rows, failures)
    tables = {"rows": pd.DataFrame(rows), "summary": summarise(pd.DataFrame(rows))}
    failures += _blind(tables["rows"])
    notes = _notes(tasks, asked, tables["rows"])
    record: dict[str, Any] = {"run": loaded.folder.path, "data": data, "split": split, "training": training}
    record |= {"segmenter": place, "retrain": retrain, "steps": steps, "notes": list(notes)}
    record |= _found(tasks, tables["summary"])
    write_findings(loaded.folder, folder, {"cases": tables["rows"], "summary": tables["summary"]}, record, failures)
    return SegmentResults(folder=folder, failures=tuple(failures), notes=notes, **tables)


def _check_rows(rows: Sequence[object], failures: Sequence[Failure]) -> None:
    if not rows:
        raise EvaluationError(f"no subject could be outlined{first_reason(failures)}")


def _blind(rows: pd.DataFrame) -> list[Failure]:
    """Return a failure for each region that no synthesis can be judged by."""
    said = (
        "{}: the segmenter finds it in the real images of none of the {} subjects who have it, so its Dice says "
        "nothing of a synthesis; give more training subjects, or more steps, and another --segmenter folder"
    )
    return [Failure(task, None, said.format(region, cases)) for task, region, cases in never_found(rows)]


def _found(tasks: Mapping[Task, Sequence[str]], summary: pd.DataFrame) -> dict[str, Any]:
    """Return what the record holds of what was found; numbers that do not exist are null."""
    shown = {task.name: {"inputs": list(inputs), "regions": list(task.regions)} for task, inputs in tasks.items()}
    return {"tasks": shown, "summary": json_rows(summary)}


def _check_unseen(
    run: LoadedRun, learned: Sequence[Subject], asked: Sequence[Subject], roots: tuple[str | Path | None, ...]
) -> None:
    own, other = (Path(root or run.recipe.data.root or "").resolve() for root in roots)
    seen = {subject.key for subject in learned} & {subject.key for subject in asked}
    if own == other and seen:
        raise EvaluationError(f"the segmenter trains on {min(seen)}, which is to be outlined; choose another --split")


def _tasks(run: LoadedRun, learned: Sequence[Subject], asked: Sequence[Subject]) -> dict[Task, tuple[str, ...]]:
    """Return what can be looked for, each with the modalities that the segmenter is shown."""
    found = {}
    for task in TASKS:
        inputs = inputs_of([subject for subject in learned if task.known_of(subject)], run.recipe.modalities)
        if len(inputs) > 1 and any(task.able(subject, inputs) for subject in asked):
            found[task] = inputs
    if not found:
        words = "; ".join(f"{task.name}: {', '.join(sorted(task.masks))}" for task in TASKS)
        raise EvaluationError(
            "nothing can be outlined: training subjects and subjects asked for have to share the masks of a lesion "
            f"({words}; or {LABEL_MAP}, as BraTS) and two modalities of the run"
        )
    return found


def _measured(
    run: LoadedRun,
    subject: Subject,
    task: Task,
    segmenters: tuple[Segmenter, Mapping[str, Segmenter]],
    batch: int,
    folder: Path,
) -> list[dict[str, Any]]:
    """Return the rows of one subject; of the first subject of a task a slice is kept, too."""
    whole, others = segmenters
    study, rows = run.prepare(subject), list[dict[str, Any]]()
    truth, real = truth_of(subject, study, task), None
    shown = Slice(task.name, study, whole.inputs, whole.regions, truth)
    for found in outlined(run, study, whole, others, trained_for(run.recipe), batch):
        real = found.masks if real is None else real  # all modalities real come first
        rows += rows_of(study, task.name, whole.regions, truth, found, real)
        shown.add((found.missing, found.method, found.sources), found.masks, found.image)
    path = folder / f"outlines_{task.name}.npz"
    if not path.exists() and truth[0].any():
        write_outlines(path, shown.outlines())
    return rows


def _notes(tasks: Mapping[Task, Sequence[str]], asked: Sequence[Subject], rows: pd.DataFrame) -> tuple[str, ...]:
    notes = []
    for task, inputs in tasks.items():
        count = rows.loc[rows["task"] == task.name, ["dataset", "subject"]].drop_duplicates().shape[0]
        lacking = sum(task.known_of(subject) and not task.able(subject, inputs) for subject in asked)
        skipped = f", {lacking} subjects lack one of them and are left out" if lacking else ""
        notes.append(f"{task.name}: the segmenter is shown {', '.join(inputs)}; {count} subjects{skipped}.")
    notes.append(f'"{ABSENT}" is the same segmenter, which never saw a modality absent, with zeros in its place.')
    if RETRAINED in set(rows["method"]):
        notes.append(f'"{RETRAINED}" is another segmenter, trained without the modality.')
    if empty := int((rows["dice"].isna() & (rows["method"] == REAL)).sum()):
        notes.append(f"Regions that are empty in truth: {empty}; their Dice is not defined and in no mean.")
    return tuple(notes)
