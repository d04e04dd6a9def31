"""Evaluate a run: every pair of every subject, measured, beside the baselines, and written as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from anysyn.data.records import Failure, Subject
from anysyn.evaluation.baselines.fit import TrainedRun, fit_baselines
from anysyn.evaluation.cases import Cases
from anysyn.evaluation.degradation.corruptions import Corruption
from anysyn.evaluation.degradation.corruptions import corruption as find_corruption
from anysyn.evaluation.degradation.thick_slices import Degradation, parse_degradation
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics.protocol import Protocol
from anysyn.evaluation.metrics.protocol import protocol as find_protocol
from anysyn.evaluation.pairs import Pair, parse_pairs
from anysyn.evaluation.results import Evaluation, results_of, write_results
from anysyn.progress import Progress
from anysyn.synthesis import load_run


def evaluate(
    run: str | Path | TrainedRun,
    *,
    data: str | Path | None = None,
    split: str = "test",
    pairs: str | None = None,
    protocol: str | Protocol = "anysyn",
    training: str | Path | None = None,
    out: str | Path | None = None,
    examples: int = 2,
    degrade: str | Degradation | None = None,
    corruption: str | Corruption | None = None,
    dataset: str | None = None,
    batch: int = 8,
    seed: int = 0,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Evaluation:
    """Evaluate a trained run and write tables, the record and examples.

    Images are compared in prepared intensities, because the window of the true target cannot be known from the sources.

    Args:
        run: A run folder, or a run that is loaded already.
        data: Root of the subjects; the data of the training, if None.
        split: ``train``, ``validation``, ``test`` or ``all``.
        pairs: For example ``"T1w:T2w,T1w+T2w:FLAIR"``; ``"all"`` or None for every ordered pair.
        protocol: A registered name or a protocol of your own.
        training: Root of the training subjects that the baselines are fitted on, where they were moved.
        out: Folder of the results; ``evaluation`` in the run folder, if None. It gets ``cases.csv``, ``table.csv``,
            ``table.md``, ``table.tex``, ``margins.csv``, ``statistics.csv``, ``protocol.json`` and ``examples/*.npz``,
            and ``inputs.csv`` where sources were degraded or corrupted.
        examples: Subjects of each pair whose planes are kept for figures.
        degrade: What is done to the sources before they are shown, for example ``"axis=2,factor=3,fwhm=2"``; the
            answer is asked for, and measured, on the grid of the truth.
        corruption: What is done to the sources before that, for example ``"motion=severe"`` or ``"gaussian=0.1"``.
        dataset: As coming from which dataset of the training every subject is treated, or ``mean`` for the mean of all;
            by default each as coming from its own.
        batch: Slices or patches the network sees at once: what bounds the memory.
        seed: Draws the subjects and voxels that the baselines are fitted on, and what is random in a corruption.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, for a run that is loaded here.
        overwrite: Replace the results of an earlier evaluation.
        progress: Shown what is done; nothing, if None.

    Returns:
        The results. A subject that fails is listed and the others finish; a subject that lacks a contrast of a pair is
        skipped for it and counted.

    Raises:
        EvaluationError: If the folder holds results already, a pair cannot be read, or there is no case to evaluate.
        UserError: If the run or the protocol cannot be used.

    Example:
        >>> evaluate("nowhere", pairs="T1w:T2w")
        Traceback (most recent call last):
        anysyn.training.folder.RunError: nowhere holds no recipe.yaml: it is not a run folder
    """
    loaded, how, worse = _loaded(run, accelerator, dataset), find_protocol(protocol), _worse(degrade, corruption)
    wanted, left_out = _suited(parse_pairs(pairs, loaded.recipe.modalities), how)
    subjects, unread = loaded.subjects(data, split)
    _check_subjects(subjects, unread, wanted, f"split {split!r} of {data or 'the data of the training'}")
    folder = _open(Path(out or loaded.folder.path / "evaluation"), overwrite)
    fitted = fit_baselines(loaded, wanted, root=training, seed=seed, progress=progress or Progress())
    given: dict[str, Any] = {"batch": batch, "examples": examples, "folder": folder / "examples", "seed": seed}
    measured = Cases(run=loaded, protocol=how, baselines=fitted.baselines, **given, **worse)
    for subject in (progress or Progress()).over("evaluating", subjects):
        measured.add(subject, [pair for pair in wanted if pair.within(subject.images)])
    result = results_of(
        measured.rows,
        folder=folder,
        protocol=how,
        failures=(*unread, *fitted.failures, *measured.failures),
        skipped={str(pair): sum(not pair.within(subject.images) for subject in subjects) for pair in wanted},
        notes=[*fitted.notes, *left_out, *_said(worse)],
        inputs=measured.inputs,
        seed=seed,
    )
    asked = {"run": loaded.folder.path, "data": data, "split": split, "training": training, "seed": seed}
    told = {"degrade": worse["degradation"], "corruption": worse["corruption"], "dataset": dataset}
    asked |= {key: str(said) for key, said in told.items() if said}
    write_results(result, asked | {"baselines": fitted.basis})
    loaded.folder.write("evaluation.json", {"results": str(folder.resolve())})  # where a report finds the latest
    return result


def _worse(degrade: str | Degradation | None, corruption: str | Corruption | None) -> dict[str, Any]:
    """Read what is done to the sources."""
    thick = parse_degradation(degrade) if isinstance(degrade, str) else degrade
    return {"degradation": thick, "corruption": None if corruption is None else find_corruption(corruption)}


def _said(worse: Mapping[str, Any]) -> list[str]:
    words = {"corrupted": worse["corruption"], "degraded": worse["degradation"]}
    return [f"The sources were {what}: {how}." for what, how in words.items() if how is not None]


def _loaded(run: str | Path | TrainedRun, accelerator: str, dataset: str | None) -> TrainedRun:
    loaded = load_run(run, accelerator=accelerator) if isinstance(run, str | Path) else run
    return loaded if dataset is None else loaded.treat_as(dataset)


def _suited(pairs: Sequence[Pair], how: Protocol) -> tuple[tuple[Pair, ...], list[str]]:
    """Keep the pairs whose target is in the unit that the protocol compares in, and say which are left out."""
    kept = tuple(pair for pair in pairs if how.suits(pair.target))
    if not kept:
        targets = ", ".join(dict.fromkeys(pair.target for pair in pairs))
        raise EvaluationError(
            f"protocol {how.name!r} compares in {how.restored_to}, which none of the targets ({targets}) is in; choose "
            "another --protocol or other --pairs"
        )
    unit = how.restored_to
    return kept, [f"{pair} is left out: its target is not in {unit}." for pair in pairs if pair not in kept]


def _check_subjects(subjects: Sequence[Subject], unread: Sequence[Failure], pairs: Sequence[Pair], where: str) -> None:
    if not subjects:
        reason = f" ({len(unread)} could not be read; the first, {unread[0].key}: {unread[0].reason})" if unread else ""
        raise EvaluationError(f"no subject in {where}{reason}; choose another --split or --data")
    if not any(pair.within(subject.images) for pair in pairs for subject in subjects):
        held = ", ".join(sorted({name for subject in subjects for name in subject.images}))
        words = ", ".join(map(str, pairs))
        raise EvaluationError(f"no subject in {where} has the contrasts of {words}; they hold {held or 'none'}")


def _open(folder: Path, overwrite: bool) -> Path:
    if folder.exists() and not folder.is_dir():
        raise EvaluationError(f"{folder} is a file; choose another --out")
    own = [*folder.glob("*"), *folder.glob("examples/*")]  # other folders hold findings of probes, which stay
    if not overwrite and any(path.is_file() for path in own):
        raise EvaluationError(f"{folder} is not empty; choose another --out or allow it with --overwrite")
    (folder / "examples").mkdir(parents=True, exist_ok=True)
    for old in (folder / "examples").glob("*.npz"):
        old.unlink()
    with TemporaryFile(dir=folder):
        return folder  # it can be written, which is better known before the work than after it
