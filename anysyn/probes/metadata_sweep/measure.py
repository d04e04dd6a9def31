"""One subject: its target synthesized at every value of a setting, compared with the simulated truth of each."""

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
from anysyn.evaluation.pairs import Pair
from anysyn.probes.scanner_settings import Sweep
from anysyn.simulation import simulate_like
from anysyn.simulation.truth import tissue_masks
from anysyn.synthesis.loaded_run import LoadedRun

COPIED = "own protocol copied"  # the true image of the subject's own protocol, whatever the value
CASE: dict[str, type] = dict.fromkeys(("sweep", "subject", "dataset", "sources", "target", "key"), str)
ROW = CASE | {"value": float, "own": float, "method": str, "contrast": float, "true_contrast": float}


def measure_sweep(
    scene: Scene, sweep: Sweep, *, runs: Mapping[str, LoadedRun], protocol: Protocol, batch: int
) -> list[dict[str, Any]]:
    """Measure every run at every value of a sweep.

    The truth is without noise, shading and gain. It is prepared as the run prepares its images and then resampled to
    the grid of the subject's own images, so nothing that a network sees depends on the value.

    Args:
        scene: A subject of a simulated cohort, prepared for all runs.
        sweep: The target, the setting and its values.
        runs: By label.
        protocol: How images are compared.
        batch: Slices or patches at once.

    Returns:
        A row for each value and method: `ROW`, and the metrics of the protocol.
    """
    target, rows = sweep.pair.target, list[dict[str, Any]]()
    own = scene.study.acquisition(target) or Acquisition(modality=target)
    copied = scene.simulate(Acquisition(modality=target))
    about = {"sweep": str(sweep), "subject": scene.subject.key, "dataset": scene.study.dataset}
    about |= {"sources": "+".join(sweep.pair.sources), "target": target, "key": sweep.key}
    for value in sweep.values:
        truth = scene.simulate(sweep.set_in(Acquisition(modality=target), value))
        acquisition = sweep.set_in(own, value)
        images = {label: scene.synthesize(run, sweep.pair, acquisition, batch) for label, run in runs.items()}
        case = {**about, "value": value, "own": getattr(own, sweep.field)}
        for method, image in (images | {COPIED: copied}).items():
            contrasts = {"contrast": scene.contrast(image), "true_contrast": scene.contrast(truth)}
            metrics = measure(image.voxels, truth.voxels, scene.study.foreground, protocol)
            rows.append({**case, "method": method, **contrasts, **metrics})
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


class PreparedImage(NamedTuple):
    """Hold the voxels (X, Y, Z) of a prepared image, and the intensity of air in it."""

    voxels: Tensor
    air: float


class Scene:
    """Hold a prepared subject, and simulate and synthesize images of it on its grid.

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

    def simulate(self, acquisition: Acquisition) -> PreparedImage:
        """Simulate an acquisition without noise, shading and gain, and prepare it.

        Args:
            acquisition: What it leaves open is as in the subject's own protocol.
        """
        name = str(acquisition.modality)
        with TemporaryDirectory() as folder:
            path = Path(folder) / "truth.nii"
            write_volume(simulate_like(self.cohort, self.subject.key, acquisition, truth=True), path)
            study = self.run.prepare(replace(self.subject, images={**self.subject.images, name: path}))
        image, air = study.images[name], study.air(name)
        if not same_grid(study.grid, self.study.grid):  # a crop may differ by a voxel
            image = resample(image, study.grid, self.study.grid, background=air)
        return PreparedImage(image, air)

    def synthesize(self, run: LoadedRun, pair: Pair, acquisition: Acquisition, batch: int) -> PreparedImage:
        """Synthesize an acquisition from the subject's own images.

        Args:
            run: Its network is used.
            pair: Sources and target.
            acquisition: The target's.
            batch: Slices or patches at once.
        """
        target = pair.target
        images = run.predict(self.study, pair.sources, [target], batch, acquisitions={target: acquisition})
        return PreparedImage(images[target].float().cpu(), self.study.air(target))

    def contrast(self, image: PreparedImage) -> float:
        """Return the contrast of fluid to white matter, of intensities above those of air."""
        return tissue_contrast(image.voxels - image.air, self.fluid, self.white)


def _grid(volume: Volume) -> Grid:
    x, y, z = volume.voxels.shape
    return Grid((x, y, z), volume.affine)
