"""Fitting of the baselines on a run's training subjects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from anysyn.data.records import Failure, Subject, listed
from anysyn.evaluation.baselines.voxelwise import BASELINES, Baseline, Voxels, choose_subjects, draw_voxels, stack
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.pairs import Pair, modalities_of
from anysyn.evaluation.preparation import prepare_for
from anysyn.progress import Progress
from anysyn.synthesis.loaded_run import LoadedRun

ENOUGH_SUBJECTS = 20  # for one pair; with the voxels below, about 200 000 of them
VOXELS = 10_000  # for each subject


@dataclass
class Fitted:
    """The fitted baselines of each pair, and why some are missing.

    Args:
        baselines: By pair; a pair without training subjects has fewer.
        subjects: Number of training subjects that were read.
        notes: Lines for the foot of the table.
        failures: Training subjects that could not be read.
    """

    baselines: dict[Pair, list[Baseline]]
    subjects: int = 0
    notes: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def basis(self) -> dict[str, int]:
        """Return the numbers of subjects and voxels that the baselines are fitted on, for the record."""
        return {"subjects": self.subjects, "subjects enough for a pair": ENOUGH_SUBJECTS, "voxels of a subject": VOXELS}


def fit_baselines(
    run: LoadedRun,
    pairs: Sequence[Pair],
    *,
    root: str | Path | None,
    seed: int,
    progress: Progress,
) -> Fitted:
    """Fit every baseline for every pair on the training subjects of a run.

    Args:
        run: The trained run.
        pairs: Pairs to fit.
        root: Root of the training subjects; by default that of the recipe.
        seed: Seed of the subjects and voxels that are drawn.
        progress: What shows the progress.

    Returns:
        The baselines, and notes about those that cannot be fitted.
    """
    generator = np.random.default_rng(seed)
    fitted = Fitted({pair: [] for pair in pairs})
    subjects = _training(run, root, pairs, fitted)
    chosen = choose_subjects([(subject, subject.images) for subject in subjects], pairs, ENOUGH_SUBJECTS, generator)
    voxels = _draw(run, chosen, pairs, generator, fitted, progress)
    without: dict[str, list[str]] = {}
    for pair in progress.over("fitting the baselines", pairs):
        for kind in BASELINES:
            try:
                fitted.baselines[pair].append(kind(pair, voxels))
            except EvaluationError:
                without.setdefault(kind.label, []).append(str(pair))
    fitted.notes += [
        f"No {label} for {', '.join(names)}: no training subject has these contrasts together."
        for label, names in without.items()
    ]
    return fitted


def _training(run: LoadedRun, root: str | Path | None, pairs: Sequence[Pair], fitted: Fitted) -> Sequence[Subject]:
    try:
        inventory = run.inventory(root, "train", modalities_of(pairs))
    except (ValueError, OSError) as error:
        fitted.notes.append(f"The training subjects were not found ({error}).")
        return []
    fitted.failures += inventory.failures
    return inventory.subjects


def _draw(
    run: LoadedRun,
    subjects: Sequence[Subject],
    pairs: Sequence[Pair],
    generator: np.random.Generator,
    fitted: Fitted,
    progress: Progress,
) -> Voxels:
    names = tuple(run.recipe.modalities)
    samples = [Voxels(np.empty((0, len(names)), dtype=np.float32), names)]
    for subject in progress.over("reading training subjects", subjects):
        with listed(fitted.failures, subject.key):
            study, notes = prepare_for(run, subject, pairs)
            samples.append(draw_voxels(study, names, VOXELS, generator))
            fitted.notes += notes
    fitted.subjects = len(samples) - 1
    return stack(samples)
