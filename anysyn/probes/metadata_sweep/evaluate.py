"""Sweep: does a network obey the settings that it is asked for? Compared with the simulator's truth of each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from anysyn.acquisition import Acquisition
from anysyn.data.records import Subject, listed
from anysyn.errors import UserError
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics.protocol import Protocol
from anysyn.evaluation.metrics.protocol import protocol as find_protocol
from anysyn.evaluation.tables.format import aligned
from anysyn.probes.comparison_runs import load_all_beside
from anysyn.probes.findings import SWEEP, Findings, first_reason, json_rows, open_findings, write_findings
from anysyn.probes.metadata_sweep.held_out import suited
from anysyn.probes.metadata_sweep.measure import COPIED, Scene, swept
from anysyn.probes.metadata_sweep.summary import obedience, summary_cells, summary_headings
from anysyn.probes.scanner_settings import Sweep, parse_sweeps
from anysyn.progress import Progress
from anysyn.simulation.truth import known_subjects
from anysyn.synthesis import load_run
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.types import Descriptor

SAME = ("prepare", "resample_to", "split")  # what runs that are compared agree in; their views may differ


@dataclass(frozen=True, kw_only=True)
class SweepResults(Findings):
    """Hold whether runs obey the settings that they are asked for.

    Args:
        rows: As `swept` writes them.
        summary: As `obedience` returns it.
    """

    rows: pd.DataFrame
    summary: pd.DataFrame

    def table(self) -> list[str]:
        """Return the summary."""
        return aligned([summary_headings(self.summary), *summary_cells(self.summary)])


def evaluate_sweep(
    run: str | Path | LoadedRun,
    *,
    sweeps: Sequence[str],
    beside: Sequence[str] = (),
    data: str | Path | None = None,
    split: str = "test",
    protocol: str | Protocol = "anysyn",
    training: str | Path | None = None,
    out: str | Path | None = None,
    batch: int = 8,
    accelerator: str = "auto",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> SweepResults:
    """Ask for a target with several values of a setting, and compare with the simulator's truth of each.

    Everything else that is asked for is as in the subject's own protocol. The values have to be inside of what the
    training saw, and none of its own.

    Args:
        run: A run folder, or a run that is loaded already.
        sweeps: For example ``"T1w:T2w:te=60,80,100"``; the settings are tr, te, ti and fa.
        beside: Run folders that are asked the same, each ``FOLDER`` or ``LABEL=FOLDER``.
        data: Root of a simulated cohort; the data of the training, if None.
        split: ``train``, ``validation``, ``test`` or ``all``.
        protocol: How images are compared: a registered name or a protocol of your own.
        training: Root of the training subjects, where they were moved.
        out: Folder of the results; ``evaluation`` in the run folder, if None. Its folder ``sweep`` gets ``sweep.csv``,
            ``summary.csv`` and ``record.json``.
        batch: Slices or patches the network sees at once: what bounds the memory.
        accelerator: ``auto``, ``cpu``, ``gpu`` or ``mps``, for runs that are loaded here.
        overwrite: Replace earlier findings.
        progress: Shown what is done; nothing, if None.

    Returns:
        The findings. A subject that fails is listed and the others finish.

    Raises:
        EvaluationError: If a sweep cannot be read or asked for, runs cannot be compared, or there are findings already.
        UserError: If a run cannot be used, or the cohort is not simulated.

    Example:
        >>> evaluate_sweep("nowhere", sweeps=["T1w:T2w:te=60,80"])
        Traceback (most recent call last):
        anysyn.training.folder.RunError: nowhere holds no recipe.yaml: it is not a run folder
    """
    loaded = load_run(run, accelerator=accelerator) if isinstance(run, str | Path) else run
    how, wanted = find_protocol(protocol), parse_sweeps(sweeps, loaded.recipe.modalities)
    runs = load_all_beside(loaded, beside, same=SAME, taken=[COPIED], accelerator=accelerator)
    for other in runs.values():
        parse_sweeps([f"{sweep}=1" for sweep in wanted], other.recipe.modalities)  # it knows the modalities
    cohort = Path(data or loaded.recipe.data.root or "")
    known_subjects(cohort)
    subjects, unread = loaded.subjects(data, split)
    asked_of, said = _asked_of(wanted, subjects, runs, training)
    folder = open_findings(loaded.folder, out, SWEEP, overwrite=overwrite)
    failures, rows = [*unread], list[dict[str, Any]]()
    chosen = [subject for subject in subjects if any(subject.key in keys for keys in asked_of.values())]
    for subject in (progress or Progress()).over("asking for settings", chosen):
        with listed(failures, subject.key):
            scene = Scene(subject, loaded, cohort)
            for sweep in (sweep for sweep in wanted if subject.key in asked_of[sweep]):
                with listed(failures, subject.key, sweep.pair):
                    rows += swept(scene, sweep, runs=runs, protocol=how, batch=batch)
    if not rows:
        raise EvaluationError(f"no subject could be asked{first_reason(failures)}")
    tables = {"rows": pd.DataFrame(rows), "summary": obedience(pd.DataFrame(rows))}
    notes = (how.describe(), *said, *_deaf(runs))
    asked: dict[str, Any] = {"run": loaded.folder.path, "data": data, "split": split, "training": training}
    asked |= {"sweeps": list(sweeps), "beside": list(beside), "protocol": how.fields(), "digest": how.digest}
    asked |= {"notes": notes, "summary": json_rows(tables["summary"])}
    write_findings(loaded.folder, folder, {"sweep": tables["rows"], "summary": tables["summary"]}, asked, failures)
    return SweepResults(folder=folder, failures=tuple(failures), notes=notes, **tables)


def _asked_of(
    sweeps: Sequence[Sweep],
    subjects: Sequence[Subject],
    runs: Mapping[str, LoadedRun],
    training: str | Path | None,
) -> tuple[dict[Sweep, set[str]], list[str]]:
    """Return by sweep the keys of the subjects that it is asked of, and notes on the others."""
    trained = {label: _training(one, training) for label, one in runs.items()}
    chosen, notes = dict[Sweep, set[str]](), list[str]()
    for sweep in sweeps:
        records = {label: _records(held, sweep.pair.target) for label, held in trained.items()}
        kept, said = suited(sweep, subjects, records)
        chosen[sweep] = {subject.key for subject in kept}
        notes += said
    return chosen, list(dict.fromkeys(notes))


def _training(run: LoadedRun, root: str | Path | None) -> Sequence[Subject]:
    try:
        return run.subjects(root, "train")[0]
    except (UserError, OSError) as error:
        raise EvaluationError(
            f"which settings {run.folder.path} has seen is not known, since its training subjects were not found "
            f"({error}); name their folder with --training"
        ) from error


def _records(subjects: Sequence[Subject], target: str) -> list[Acquisition]:
    return [subject.acquisitions[target] for subject in subjects if target in subject.acquisitions]


def _deaf(runs: Mapping[str, LoadedRun]) -> list[str]:
    """Say which runs cannot obey, because nothing in them reads acquisitions."""
    return [
        f"{label} is told the modality alone, so its answer is the same for every setting."
        for label, run in runs.items()
        if not any(isinstance(one, Descriptor) and one.reads_acquisitions for one in run.model.modules())
    ]
