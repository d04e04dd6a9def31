"""Fit a segmenter on the real images of a run's training subjects, or take one that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from monai.losses import DiceLoss
from torch.nn import functional as F

from anysyn.data.records import Failure, Subject, listed
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.lesion_masks import Task, truth_of
from anysyn.probes.lesion_segmentation.slices import LesionSlices, draw, slices_of
from anysyn.probes.lesion_segmentation.unet import (
    WIDTHS,
    Segmenter,
    Segmenters,
    channels,
    network,
    read_segmenter,
    write_segmenter,
)
from anysyn.progress import Progress
from anysyn.seeds import seeded
from anysyn.synthesis.loaded_run import LoadedRun

STEPS = 400
BATCH = 16
LEARNING_RATE = 1e-2
SEED = 0
MOST = 200  # training subjects, since their slices are kept in memory


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """Training data and settings of the segmenters of one task.

    Args:
        run: Prepares the images.
        task: What is looked for.
        inputs: Modalities that a segmenter is shown.
        subjects: Training subjects; those that have masks and inputs are used.
        root: Where they are, for the record.
        steps: Batches that each is trained on.
        progress: Shown what is done.
    """

    run: LoadedRun
    task: Task
    inputs: tuple[str, ...]
    subjects: Sequence[Subject]
    root: Path
    steps: int
    progress: Progress

    def segmenters(self, folder: Path, *, retrain: bool, alone: bool, failures: list[Failure]) -> Segmenters:
        """Take the segmenters that are kept, and train and keep the others.

        Args:
            folder: Where they are kept.
            retrain: Whether there is one without each of the modalities, too.
            alone: Whether there is one for each modality that sees it alone, too.
            failures: Where training subjects are noted that cannot be read.

        Raises:
            EvaluationError: If one that is kept was trained on something else, or there is nothing to learn from.
        """
        regions, record = tuple(self.task.regions), self._record()
        less = {name: tuple(other for other in self.inputs if other != name) for name in self.inputs if retrain}
        single = {name: (name,) for name in self.inputs if alone}
        wanted = [self.inputs, *less.values(), *single.values()]
        kept = {shown: read_segmenter(folder, shown, regions, record) for shown in wanted}
        slices = self._slices(failures) if None in kept.values() else []
        segmenters = dict[tuple[str, ...], Segmenter]()
        for shown, segmenter in kept.items():
            segmenters[shown] = segmenter or self._fit(slices, shown)
            if segmenter is None:
                write_segmenter(segmenters[shown], folder, record)
            segmenters[shown].network.to(self.run.hardware.device)
        without, each = ({name: segmenters[shown] for name, shown in some.items()} for some in (less, single))
        return Segmenters(segmenters[self.inputs], without, each)

    @property
    def _chosen(self) -> list[Subject]:
        able = [one for one in self.subjects if self.task.able(one, self.inputs)]
        return able[:: -(-len(able) // MOST)]

    def _record(self) -> Mapping[str, Any]:
        data = self.run.recipe.spec()["data"]
        return {
            "regions": {name: list(masks) for name, masks in self.task.regions.items()},
            "widths": list(WIDTHS),
            "steps": self.steps,
            "learning_rate": f"one cycle to {LEARNING_RATE}",
            "data": str(self.root.resolve()),
            "subjects": [subject.key for subject in self._chosen],
            "prepare": data["prepare"],
            "resample_to": data["resample_to"],
        }

    def _slices(self, failures: list[Failure]) -> list[LesionSlices]:
        generator, slices = seeded(SEED), list[LesionSlices]()
        for subject in self.progress.over("reading training subjects", self._chosen):
            with listed(failures, subject.key, self.task.name):
                study = self.run.prepare(subject)
                truth = truth_of(subject, study, self.task)
                slices.append(slices_of(channels(study.images, self.inputs), truth, study.foreground, generator))
        return slices

    def _fit(self, slices: Sequence[LesionSlices], shown: Sequence[str]) -> Segmenter:
        return fit_segmenter(
            slices,
            self.inputs,
            tuple(self.task.regions),
            shown=shown,
            steps=self.steps,
            seed=SEED,
            device=self.run.hardware.device,
            progress=self.progress,
        )


def fit_segmenter(
    subjects: Sequence[LesionSlices],
    inputs: Sequence[str],
    regions: Sequence[str],
    *,
    shown: Sequence[str],
    steps: int,
    seed: int,
    device: torch.device,
    progress: Progress,
) -> Segmenter:
    """Train a segmenter: soft Dice and cross-entropy, Adam, half of each batch slices with a lesion.

    The learning rate rises first: at its height from the start, a training may end outlining nothing.

    Args:
        subjects: What it learns from.
        inputs: The modalities of the slices, in order.
        regions: Their regions, in order.
        shown: Those of the modalities that the network is shown; no modality is dropped at random.
        steps: Batches.
        seed: Draws weights, slices and flips.
        device: Where.
        progress: Shown what is done.

    Raises:
        EvaluationError: If no slice shows a lesion.
    """
    if not any(slices.lesion for slices in subjects):
        raise EvaluationError(f"no training slice shows {' or '.join(regions)}, so nothing can be learned")
    model, generator = network(len(shown), len(regions), seed).to(device).train(), seeded(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    overlap, chosen = DiceLoss(sigmoid=True, batch=True), [list(inputs).index(name) for name in shown]
    with progress.task(f"training a segmenter on {', '.join(shown)}", steps):
        for _ in range(steps):
            images, truth = (part.to(device) for part in draw(subjects, BATCH, generator))
            logits = model(images[:, chosen])  # (B, R, H, W)
            loss = overlap(logits, truth) + F.binary_cross_entropy_with_logits(logits, truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            progress.advance(f"loss {float(loss.detach()):.3f}")
    return Segmenter(model.eval(), tuple(shown), tuple(regions))
