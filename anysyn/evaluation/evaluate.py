"""Evaluation of a run: every pair of every subject measured, next to the baselines, and written as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from anysyn.bounds import Count, Seed, WholeNumber, within_bounds
from anysyn.data.inventory.inventory import Inventory
from anysyn.data.inventory.record import LIST, keep
from anysyn.data.inventory.summary import summary
from anysyn.data.records import Failure, Subject
from anysyn.data.subjects.layouts.bids_labels import Labels
from anysyn.data.subjects.placeholders import absent_images
from anysyn.evaluation.baselines.fit import fit_baselines
from anysyn.evaluation.cases import SubjectCases, measure_subject, numbered_examples, together
from anysyn.evaluation.degradation.corruptions import Corruption
from anysyn.evaluation.degradation.corruptions import corruption as find_corruption
from anysyn.evaluation.degradation.thick_slices import Degradation, parse_degradation
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics.protocol import Protocol
from anysyn.evaluation.metrics.protocol import protocol as find_protocol
from anysyn.evaluation.pairs import Pair, modalities_of, parse_pairs
from anysyn.evaluation.results import Evaluation, results_of, write_results
from anysyn.evaluation.results_folder import point_to, results_folder, results_place
from anysyn.evaluation.timing import device_name
from anysyn.progress import Progress, progress_of
from anysyn.synthesis import LoadedRun
from anysyn.synthesis.given_run import GivenRun, loaded_run
from anysyn.synthesis.parallel import Measure, Opener, measure_each
from anysyn.synthesis.slurm import Slurm


@within_bounds
def evaluate(
    run: GivenRun,
    *,
    data: str | Path | None = None,
    bids: Labels | None = None,
    split: str = "test",
    pairs: str | None = None,
    protocol: str | Protocol = "anysyn",
    training: str | Path | None = None,
    out: str | Path | None = None,
    examples: WholeNumber = 2,
    degrade: str | Degradation | None = None,
    corruption: str | Corruption | None = None,
    dataset: str | None = None,
    batch: Count = 8,
    jobs: Count = 1,
    slurm: Slurm | None = None,
    seed: Seed = 0,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | bool | None = None,
) -> Evaluation:
    """Evaluate a trained run and write tables, the record and examples.

    Images are compared in prepared intensities, because the window of the true target cannot be known from the sources.

    Args:
        run: A run folder, or a loaded run.
        data: Root of the subjects; by default the data of the training.
        bids: Labels of the files to use where a BIDS dataset has several of a modality, as for `anysyn.complete`; by
            default those of the recipe.
        split: ``train``, ``validation``, ``test`` or ``all``.
        pairs: For example ``"T1w:T2w,T1w+T2w:FLAIR"``; ``"all"`` or None for every ordered pair.
        protocol: Name of a registered protocol, or your own.
        training: Root of the training subjects, on which the baselines are fitted, if they were moved.
        out: Folder of the results; by default ``evaluation`` in the run folder. It gets ``cases.csv``, ``table.csv``,
            ``table.md``, ``table.tex``, ``margins.csv``, ``statistics.csv``, ``protocol.json``, ``examples/*.npz`` and
            ``subjects.csv``, and, if sources were degraded or corrupted, ``inputs.csv``.
        examples: Number of subjects of each pair whose planes are kept for figures.
        degrade: Thick slices of the sources, for example ``"axis=2,factor=3,fwhm=2"``; the targets are synthesized,
            and measured, on the grid of the truth.
        corruption: Corruption of the sources before that, for example ``"motion=severe"`` or ``"gaussian=0.1"``.
        dataset: Which training dataset to treat every subject as, or ``mean`` for the mean of all; by default its own.
        batch: Slices or patches that go through the network at once, which bounds the memory.
        jobs: Processes side by side, each with the run in its memory, on the GPUs in turn; on Slurm, jobs of an array.
        slurm: Submission to Slurm instead of processes here.
        seed: Seed of the subjects and voxels that the baselines are fitted on, and of a corruption.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, for a run folder.
        overwrite: Whether to replace the results of an earlier evaluation.
        progress: True shows it, in a notebook as a line for each task; or what shows it.

    Returns:
        The results. A subject that fails is listed and the others are measured; a subject that lacks a contrast of a
        pair is skipped for the pair and counted.

    Raises:
        EvaluationError: If the folder has results, a pair cannot be read, or there is no case to evaluate.
        UserError: If the run or the protocol cannot be used.

    Example:
        >>> evaluate("nowhere", pairs="T1w:T2w")
        Traceback (most recent call last):
        anysyn.training.run_folder.records.RunError: nowhere holds no recipe.yaml: it is not a run folder, and no ...
    """
    loaded, how = _loaded(run, accelerator, dataset), find_protocol(protocol)
    changes = _changes_of_sources(degrade, corruption)
    requested, left_out = _suited(parse_pairs(pairs, loaded.recipe.modalities), how)
    subjects = (inventory := loaded.inventory(data, split, modalities_of(requested), bids=bids or {})).subjects
    _check_subjects(subjects, inventory.failures, requested, f"split {split!r} of {data or 'the data of the training'}")
    chosen, bar = numbered_examples(subjects, requested, examples), progress_of(progress)
    _say(bar, inventory, folder := results_place(loaded, out))
    with results_folder(folder, chosen, overwrite=overwrite) as inside:
        fitted = fit_baselines(loaded, requested, root=training, seed=seed, progress=bar)
        options = {"protocol": how, "baselines": fitted.baselines, "batch": batch, "seed": seed, **changes}
        options |= {"examples": chosen, "folder": inside / "examples"}
        opener = Opener(str(folder), _begin, (loaded.folder.path, accelerator, dataset, requested, options))
        measure, failed = partial(measure_subject, loaded, requested, options), [*inventory.failures, *fitted.failures]
        cases = _measured(subjects, measure, opener, failed, bar, jobs=jobs, slurm=slurm)
        about: dict[str, Any] = {"folder": folder, "protocol": how, "inputs": cases.inputs, "seed": seed}
        result = results_of(
            cases.rows,
            failures=(*failed, *cases.failures),
            skipped=_skipped(subjects, requested),
            notes=[*fitted.notes, *left_out, *_notes_of(changes, how, loaded), *cases.notes, *_absent_of(subjects)],
            **about,
        )
        asked: dict[str, Any] = {"run": loaded.folder.path, "data": data, "split": split, "training": training}
        asked |= {"seed": seed, "baselines": fitted.basis, **_chosen_of(subjects, bids)}
        _write(result, inside, inventory, asked | _words(changes, dataset))
    point_to(folder, loaded, bar)
    return result


def _chosen_of(subjects: Sequence[Subject], bids: Labels | None) -> dict[str, Any]:
    """Return which images count as absent, and the labels by which the others were chosen, if any."""
    return {"absent": list(map(str, absent_images(subjects)))} | ({"bids": bids} if bids else {})


def _say(progress: Progress, inventory: Inventory, folder: Path) -> None:
    for line in summary(inventory, listed_in=folder / LIST):
        progress.say(line)


def _write(result: Evaluation, folder: Path, inventory: Inventory, options: Mapping[str, Any]) -> None:
    keep(inventory, folder)
    write_results(replace(result, folder=folder), options)


def _measured(
    subjects: Sequence[Subject],
    measure: Measure[SubjectCases],
    opener: Opener,
    failures: list[Failure],
    progress: Progress,
    **where: Any,
) -> SubjectCases:
    options: dict[str, Any] = {"opener": opener, "failures": failures, "progress": progress, "title": "evaluating"}
    return together(part for _, part in measure_each(subjects, measure, **options, **where))


def _skipped(subjects: Sequence[Subject], pairs: Sequence[Pair]) -> dict[str, int]:
    return {str(pair): sum(not pair.within(subject.images) for subject in subjects) for pair in pairs}


def _begin(run: Path, accelerator: str, dataset: str | None, *arguments: Any) -> Measure[SubjectCases]:
    """Return the function that measures a subject in another process."""
    return partial(measure_subject, _loaded(run, accelerator, dataset), *arguments)


def _changes_of_sources(degrade: str | Degradation | None, corruption: str | Corruption | None) -> dict[str, Any]:
    thick = parse_degradation(degrade) if isinstance(degrade, str) else degrade
    return {"degradation": thick, "corruption": None if corruption is None else find_corruption(corruption)}


def _words(changes: Mapping[str, Any], dataset: str | None) -> dict[str, str]:
    words = {"degrade": changes["degradation"], "corruption": changes["corruption"], "dataset": dataset}
    return {key: str(value) for key, value in words.items() if value}


def _notes_of(changes: Mapping[str, Any], how: Protocol, run: LoadedRun) -> list[str]:
    words = {"corrupted": changes["corruption"], "degraded": changes["degradation"]}
    notes = [f"The sources were {what}: {one}." for what, one in words.items() if one is not None]
    device = device_name(run.hardware.device) if how.reads_clock else ""
    return [*notes, f"Seconds are of one volume on {device}, a first one included."] if device else notes


def _absent_of(subjects: Sequence[Subject]) -> list[str]:
    absent = absent_images(subjects)
    return [f"Blank images that count as absent: {len(absent)}; the first: {absent[0]}."] if absent else []


def _loaded(run: GivenRun, accelerator: str, dataset: str | None) -> LoadedRun:
    loaded = loaded_run(run, accelerator=accelerator)
    return loaded if dataset is None else loaded.treat_as(dataset)


def _suited(pairs: Sequence[Pair], how: Protocol) -> tuple[tuple[Pair, ...], list[str]]:
    """Return the pairs whose target is in the unit of the protocol, and notes about the others."""
    how.check()
    suited = tuple(pair for pair in pairs if how.suits(pair.target))
    if not suited:
        targets = ", ".join(dict.fromkeys(pair.target for pair in pairs))
        raise EvaluationError(
            f"protocol {how.name!r} compares in {how.restored_to}, which none of the targets ({targets}) is in; choose "
            "another --protocol or other --pairs"
        )
    unit = how.restored_to
    return suited, [f"{pair} is left out: its target is not in {unit}." for pair in pairs if pair not in suited]


def _check_subjects(subjects: Sequence[Subject], unread: Sequence[Failure], pairs: Sequence[Pair], where: str) -> None:
    reason = f" ({len(unread)} could not be read; the first, {unread[0].key}: {unread[0].reason})" if unread else ""
    if not subjects:
        raise EvaluationError(f"no subject in {where}{reason}; choose another --split or --data")
    if not any(pair.within(subject.images) for pair in pairs for subject in subjects):
        contrasts = ", ".join(sorted({name for subject in subjects for name in subject.images}))
        words = ", ".join(map(str, pairs))
        raise EvaluationError(
            f"no subject in {where} has the contrasts of {words}; they have {contrasts or 'none'}{reason}"
        )
