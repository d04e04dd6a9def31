"""One subject, asked for a target at every value of a setting, beside the simulator's truth of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from torch import Tensor

from anysyn.acquisition import Acquisition
from anysyn.data.geometry.grid import Grid, resample, same_grid
from anysyn.data.records import Subject
from anysyn.data.volumes.volume import Volume, write_volume
from anysyn.evaluation.errors import EvaluationError
from anysyn.evaluation.metrics.measure import measure
from anysyn.evaluation.metrics.protocol import Protocol
from anysyn.probes.scanner_settings import Sweep
from anysyn.simulation import simulate_like
from anysyn.simulation.truth import tissue_masks
from anysyn.synthesis.loaded_run import LoadedRun

COPIED = "own protocol copied"  # all right but for the setting
ABOUT = ("sweep", "subject", "dataset", "sources", "target", "key", "value", "own", "method")
CONTRASTS = ("contrast", "true_contrast")


def swept(
    scene: Scene, sweep: Sweep, *, runs: Mapping[str, LoadedRun], protocol: Protocol, batch: int
) -> list[dict[str, Any]]:
    """Measure every run at every value of a sweep.

    The truth is without noise, shading and gain. It is prepared as the run prepares its images and then put where the
    subject's own images lie, so that nothing that a network sees depends on what is asked.

    Args:
        scene: A subject of a simulated cohort, prepared for all runs.
        sweep: What is asked.
        runs: By label.
        protocol: How images are compared.
        batch: Slices or patches at once.

    Returns:
        A row for each value and method: `ABOUT`, the metrics of the protocol, and `CONTRASTS`.
    """
    target, rows = sweep.pair.target, list[dict[str, Any]]()
    own = scene.study.acquisition(target) or Acquisition(modality=target)
    copied = scene.truth(Acquisition(modality=target))
    for value in sweep.values:
        asked = sweep.asked(own, value)
        truth = scene.truth(sweep.asked(Acquisition(modality=target), value))
        shown = {label: scene.answer(run, sweep, asked, batch) for label, run in runs.items()} | {COPIED: copied}
        about: dict[str, Any] = {"sweep": str(sweep), "subject": scene.subject.key, "dataset": scene.study.dataset}
        about |= {"sources": "+".join(sweep.pair.sources), "target": target, "key": sweep.key}
        about |= {"value": value, "own": getattr(own, sweep.field)}
        for method, seen in shown.items():
            values = measure(seen.image, truth.image, scene.study.foreground, protocol)
            contrasts = {"contrast": scene.contrast(seen), "true_contrast": scene.contrast(truth)}
            rows.append({**about, "method": method, **values, **contrasts})
    return rows


def tissue_contrast(image: Tensor, fluid: Tensor, white: Tensor) -> float:
    """Return the contrast of cerebrospinal fluid to white matter, ``(F - W) / (F + W)`` of their mean intensities.

    Args:
        image: (X, Y, Z), 0 where there is no signal.
        fluid: (X, Y, Z) bool.
        white: (X, Y, Z) bool.

    Returns:
        From -1, black fluid, to 1, black white matter.

    Example:
        >>> import torch
        >>> image = torch.tensor([3.0, 3.0, 1.0, 0.0])
        >>> tissue_contrast(image, image == 3, image == 1)
        0.5
    """
    bright, dark = (float(image[mask].double().mean()) for mask in (fluid, white))
    return (bright - dark) / (bright + dark)


class Seen(NamedTuple):
    """Hold a prepared image (X, Y, Z), and the value that no signal has in it."""

    image: Tensor
    air: float


class Scene:
    """Hold a prepared subject, and bring images of it to where its own lie.

    Args:
        subject: Of a simulated cohort.
        run: Prepares its images.
        cohort: Root of the cohort.

    Raises:
        UserError: If the subject cannot be used, or the cohort does not keep its tissues.
    """

    def __init__(self, subject: Subject, run: LoadedRun, cohort: Path) -> None:
        self.subject, self.run, self.cohort = subject, run, cohort
        self.study = run.prepare(subject)
        self.fluid, self.white = (
            resample(mask.voxels, _grid(mask), self.study.grid) > 0.5
            for mask in tissue_masks(cohort, subject.key, "fluid", "white")
        )
        if not (self.fluid.any() and self.white.any()):
            raise EvaluationError(f"{subject.key}: no voxel of the prepared images is mostly fluid, or white matter")

    def truth(self, asked: Acquisition) -> Seen:
        """Simulate an acquisition without what an instrument adds, and prepare it.

        Args:
            asked: What it leaves open is as in the subject's own protocol.
        """
        name = str(asked.modality)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "truth.nii"
            write_volume(simulate_like(self.cohort, self.subject.key, asked, truth=True), path)
            study = self.run.prepare(replace(self.subject, images={**self.subject.images, name: path}))
        image, air = study.images[name], study.air(name)
        if not same_grid(study.grid, self.study.grid):  # a crop may differ by a voxel
            image = resample(image, study.grid, self.study.grid, background=air)
        return Seen(image, air)

    def answer(self, run: LoadedRun, sweep: Sweep, asked: Acquisition, batch: int) -> Seen:
        """Synthesize an acquisition from the subject's own images.

        Args:
            run: What synthesizes.
            sweep: Names sources and target.
            asked: The target's acquisition.
            batch: Slices or patches at once.
        """
        target = sweep.pair.target
        answer = run.predict(self.study, sweep.pair.sources, [target], batch, acquisitions={target: asked})
        return Seen(answer[target].float().cpu(), self.study.air(target))

    def contrast(self, seen: Seen) -> float:
        """Return the contrast of an image, counted from what has no signal."""
        return tissue_contrast(seen.image - seen.air, self.fluid, self.white)


def _grid(volume: Volume) -> Grid:
    x, y, z = volume.voxels.shape
    return Grid((x, y, z), volume.affine)
