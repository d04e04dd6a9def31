"""Ask a run the question of a probe: subjects are measured, kept, gathered, and the findings written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from anysyn.bounds import Count, within_bounds
from anysyn.data.records import Failure, Subject
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.results_folder import point_to, results_place
from anysyn.probes.catalogue import find_probe
from anysyn.probes.comparison_runs import comparison_folder
from anysyn.probes.findings import Findings, findings_folder, first_reason, withdraw, write_findings
from anysyn.probes.measurement import KeptMeasurements, Measurement
from anysyn.probes.probe import Options, Probe, Request, failures_of
from anysyn.progress import Progress, progress_of
from anysyn.registry import suggest
from anysyn.synthesis.given_run import GivenRun, loaded_run
from anysyn.synthesis.loaded_run import LoadedRun, load_run
from anysyn.synthesis.parallel import Measure, Opener, measure_each
from anysyn.synthesis.written_images import digest
from anysyn.training.run_folder.names import find_run


@within_bounds
def probe(
    name: str,
    run: GivenRun,
    *,
    data: str | Path | None = None,
    split: str = "test",
    out: str | Path | None = None,
    batch: Count = 8,
    jobs: Count = 1,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | bool | None = None,
    **options: Any,
) -> Findings:
    """Ask a trained run one question, subject by subject, and write what is found.

    A probe that was stopped goes on where it was when it is asked the same again.

    Args:
        name: A registered probe: ``anysyn list probes``.
        run: A run folder, or a run that is loaded already.
        data: Root of the subjects; the data of the training, if None.
        split: ``train``, ``validation``, ``test`` or ``all``.
        out: Folder of the results; ``evaluation`` in the run folder, if None. The probe gets a folder of its own in it,
            with its tables, ``summary.md`` and ``record.json``.
        batch: Slices or patches the network sees at once: what bounds the memory.
        jobs: Processes side by side, each with the run in its memory.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, for runs that are loaded here.
        overwrite: Replace earlier findings.
        progress: True shows it, in a notebook as a line for each task; or what shows it.
        options: Those of the probe: ``anysyn probe NAME --help``.

    Returns:
        The findings. A subject that fails is listed and the others finish.

    Raises:
        EvaluationError: If there are findings already, the run cannot be asked this, or nothing can be measured.
        UserError: If the run, the split or an option cannot be used.

    Example:
        >>> probe("content", "nowhere")
        Traceback (most recent call last):
        anysyn.training.run_folder.records.RunError: nowhere holds no recipe.yaml: it is not a run folder, and no ...
    """
    factory = find_probe(name)
    settings, shown = read_options(factory, options), progress_of(progress)
    loaded = loaded_run(run, accelerator=accelerator)
    subjects, unread = loaded.subjects(data, split)
    folder = results_place(loaded, out) / name
    with findings_folder(folder, name, factory.tables, factory.files, overwrite=overwrite):
        about: dict[str, Any] = {"data": None if data is None else Path(data), "split": split, "folder": folder}
        about |= {"batch": batch, "accelerator": accelerator}
        request, question = Request(**about, progress=shown), factory(settings=settings)
        chosen = question.begin(loaded, request, subjects)
        record = {"probe": name, "run": loaded.folder.path, "data": data, "split": split}
        record |= {"options": settings.model_dump(mode="json")}
        store = KeptMeasurements.open(folder, _fingerprint(loaded, settings, record), overwrite=overwrite)
        opened = (name, loaded.folder.path, settings, Request(**about), tuple(subjects))
        failures, opener = [*unread], Opener(str(folder), open_probe, opened)
        how: dict[str, Any] = {"jobs": jobs, "opener": opener, "failures": failures, "progress": shown}
        measurements = _measured(chosen, partial(question.measure, loaded), store, **how)
        if not measurements:
            raise EvaluationError(f"nothing in {request.where} was measured{first_reason(failures)}")
        return _concluded(question, loaded, measurements, record, folder, failures, store, shown)


def open_probe(
    name: str, run: Path, settings: Options, request: Request, subjects: Sequence[Subject]
) -> Measure[Measurement]:
    """Load a run and begin a probe in another process.

    Args:
        name: The probe.
        run: The run folder.
        settings: The probe's options.
        request: What is asked for.
        subjects: Those of the split.

    Returns:
        The function that measures a subject.
    """
    loaded, question = load_run(run, accelerator=request.accelerator), find_probe(name)(settings=settings)
    question.begin(loaded, request, subjects)
    return partial(question.measure, loaded)


def read_options(factory: type[Probe], options: Mapping[str, Any]) -> Options:
    """Check the options of a probe.

    Args:
        factory: The probe.
        options: As they were given.

    Raises:
        EvaluationError: If one is unknown or not what it has to be; the message lists the choices.
    """
    known = factory.options.model_fields
    for key in options:
        if key not in known:
            raise EvaluationError(f"the probe {factory.title!r} has no option {key!r}; {suggest(key, known)}")
    try:
        return factory.options(**options)
    except ValidationError as error:
        first = error.errors()[0]
        raise EvaluationError(f"option {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _fingerprint(run: LoadedRun, settings: Options, record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what kept measurements depend on: the request, however its paths are written, and all weights."""
    compared = [comparison_folder(text)[1] for text in getattr(settings, "compare", ())]
    weights = [digest(folder.weights) for folder in (run.folder, *map(find_run, compared))]
    paths = {name: record[name] and str(Path(record[name]).resolve()) for name in ("run", "data")}
    return {**record, **paths, "weights": weights}


def _measured(
    subjects: Sequence[Subject],
    measure: Measure[Measurement],
    store: KeptMeasurements,
    *,
    failures: list[Failure],
    **how: Any,
) -> list[Measurement]:
    """Measure the subjects that are not measured yet, and return all measurements in the order of the subjects."""
    by_subject = {subject.key: store.get(subject.key) for subject in subjects}
    left = [subject for subject in subjects if by_subject[subject.key] is None]
    for subject, measurement in measure_each(left, measure, title="measuring", failures=failures, **how):
        store.put(subject.key, measurement)
        by_subject[subject.key] = measurement
    measurements = [measurement for measurement in by_subject.values() if measurement]
    failures += failures_of([one for one in by_subject.values() if one is not None])
    return measurements


def _concluded(
    question: Probe,
    run: LoadedRun,
    measurements: Sequence[Measurement],
    record: Mapping[str, Any],
    folder: Path,
    failures: Sequence[Failure],
    store: KeptMeasurements,
    progress: Progress,
) -> Findings:
    withdraw(folder)  # a probe may write further files, which are not those of earlier findings
    conclusion = question.conclude(run, measurements)
    listed = [{"subject": failure.key, "reason": failure.reason} for failure in (*failures, *question.failures)]
    whole = {**record, **conclusion.record, "notes": list(conclusion.notes), "failures": listed}
    findings = Findings(folder=folder, tables=conclusion.tables, record=whole)
    findings = replace(findings, grids=tuple(question.summary(findings)))
    write_findings(findings, question.tables)
    store.clear()
    point_to(folder.parent, run, progress)
    return findings
