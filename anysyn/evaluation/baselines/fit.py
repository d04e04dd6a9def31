"""Fitting of the baselines on a run's training subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor

from anysyn.data.geometry.grid import Grid
from anysyn.data.records import Failure, Subject, listed
from anysyn.data.volumes.study import Study
from anysyn.evaluation.baselines.voxelwise import BASELINES, Baseline, Voxels, choose_subjects, draw_voxels, stack
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.pairs import Pair
from anysyn.progress import Progress
from anysyn.training.folder import RunFolder

ENOUGH_SUBJECTS = 20  # for one pair; with the voxels below, about 200 000 of them
VOXELS = 10_000  # for each subject


class KnowsModalities(Protocol):
    """A recipe, as far as its modalities are known."""

    @property
    def modalities(self) -> Sequence[str]:
        """Return them in order."""


class TrainedRun(Protocol):
    """A trained run, as far as an evaluation needs it."""

    @property
    def recipe(self) -> KnowsModalities:
        """Return the recipe."""

    @property
    def folder(self) -> RunFolder:
        """Return the run folder."""

    def subjects(self, root: str | Path | None, split: str) -> tuple[Sequence[Subject], Sequence[Failure]]:
        """Return the subjects of a part of the split, by default of the run's own data."""

    def treat_as(self, dataset: str | None) -> TrainedRun:
        """Return the run so that it treats every study as a dataset of its training."""

    def prepare(self, subject: Subject) -> Study:
        """Read a subject and prepare its intensities and its grid."""

    def predict(
        self,
        study: Study,
        sources: Sequence[str],
        targets: Sequence[str],
        batch: int,
        *,
        onto: Grid | None = None,
    ) -> Mapping[str, Tensor]:
        """Synthesize targets (X, Y, Z) in prepared intensities, on the study's grid or another."""


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
    run: TrainedRun,
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
        progress: Shows the progress.

    Returns:
        The baselines, and notes about those that cannot be fitted.
    """
    generator = np.random.default_rng(seed)
    fitted = Fitted({pair: [] for pair in pairs})
    subjects = _training(run, root, fitted)
    chosen = choose_subjects([(subject, subject.images) for subject in subjects], pairs, ENOUGH_SUBJECTS, generator)
    voxels = _draw(run, chosen, generator, fitted, progress)
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


def _training(run: TrainedRun, root: str | Path | None, fitted: Fitted) -> Sequence[Subject]:
    try:
        subjects, failures = run.subjects(root, "train")
    except (ValueError, OSError) as error:
        fitted.notes.append(f"The training subjects were not found ({error}).")
        return []
    fitted.failures += failures
    return subjects


def _draw(
    run: TrainedRun, subjects: Sequence[Subject], generator: np.random.Generator, fitted: Fitted, progress: Progress
) -> Voxels:
    names = tuple(run.recipe.modalities)
    samples = [Voxels(np.empty((0, len(names)), dtype=np.float32), names)]
    for subject in progress.over("reading training subjects", subjects):
        with listed(fitted.failures, subject.key):
            samples.append(draw_voxels(run.prepare(subject), names, VOXELS, generator))
    fitted.subjects = len(samples) - 1
    return stack(samples)
