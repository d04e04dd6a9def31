"""What a run keeps of its calibration: the calibrator, the intervals' widths, and how good they were."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError, safe_open

from anysyn.errors import UserError
from anysyn.files import add_to_manifest, replacing
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.written_images import digest
from anysyn.training.run_folder.folder import RunFolder
from anysyn.trust.calibrator import Calibrator
from anysyn.trust.evidence import EVIDENCE

NAME = "trust.safetensors"
KEPT = ("quantiles", "level", "people", "coverage", "evidence", "modalities")
COPY = (
    "begin a run of your own with its weights and calibrate that: anysyn train --from-run, then anysyn calibrate "
    "(docs/guide/trust.md, A packaged run)"
)
AGAIN = "call `anysyn calibrate` for this run"


@dataclass(frozen=True, eq=False)
class Calibration:
    """A calibrator and what it was calibrated on.

    Args:
        calibrator: Evidence to expected absolute error.
        quantiles: By target, how many expected errors wide each side of the interval is.
        level: Share of voxels that the interval is to hold.
        people: How many people it was calibrated on.
        coverage: By target, the share of voxels in the interval, of people that each fit had not seen.
    """

    calibrator: Calibrator
    quantiles: Mapping[str, float]
    level: float
    people: int
    coverage: Mapping[str, float]

    def __repr__(self) -> str:
        """Return what it is for."""
        return f"Calibration({self.people} people, {self.level:.0%} intervals of {', '.join(self.quantiles)})"


def write_calibration(calibration: Calibration, run: LoadedRun) -> Path:
    """Write a calibration into its run's folder, bound to the weights by their hash.

    Raises:
        OSError: If it cannot be written.
    """
    path = run.folder.place(NAME, "calibrate a run of your own")
    about = numbers_of(calibration) | {"evidence": list(EVIDENCE), "modalities": list(run.recipe.modalities)}
    about |= {"weights": digest(run.folder.weights)}
    add_to_manifest(run.folder.path, NAME)
    with replacing(path, overwrite=True) as file:
        file.write(safetensors.torch.save(calibration.calibrator.state_dict(), {"trust": json.dumps(about)}))
    return path


def bound_to(run: RunFolder, weights: Path, path: Path) -> None:
    """Write the calibration of a run once more, for a copy of its weights in another precision.

    Args:
        run: The run folder.
        weights: The copy.
        path: The file to write.

    Raises:
        UserError: If the calibration cannot be read, or is of other weights than those of the run.
    """
    try:
        with safe_open(run.path / NAME, framework="pt") as file:
            about = json.loads((file.metadata() or {})["trust"])
        tensors = safetensors.torch.load_file(run.path / NAME)
        same = about["weights"] == digest(run.weights)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{run.path / NAME}: is no calibration that anysyn wrote; {AGAIN}") from error
    if not same:
        raise UserError(f"{run.path / NAME}: is of other weights than this run has now; {AGAIN}, or delete it")
    known = {key: about[key] for key in KEPT if key in about}
    with replacing(path, overwrite=True) as file:
        file.write(safetensors.torch.save(tensors, {"trust": json.dumps(known | {"weights": digest(weights)})}))


def numbers_of(calibration: Calibration) -> dict[str, Any]:
    """Return the numbers of a calibration as plain values."""
    numbers = {key: getattr(calibration, key) for key in ("quantiles", "level", "people", "coverage")}
    return {key: dict(value) if isinstance(value, Mapping) else value for key, value in numbers.items()}


def read_calibration(run: LoadedRun) -> Calibration:
    """Read the calibration of a run.

    Raises:
        UserError: If there is none, it cannot be read, or it is of other weights.
    """
    path = run.folder.path / NAME
    if not path.is_file() and run.folder.packaged:
        raise UserError(
            f"{run.folder.path}: nothing says how far to trust it, since it was packed without a calibration; {COPY}"
        )
    if not path.is_file():
        raise UserError(f"{run.folder.path}: nothing says how far to trust it; {AGAIN}, on its validation subjects")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {})["trust"])
        calibrator = Calibrator(kinds=len(about["evidence"]), targets=len(about["modalities"]))
        calibrator.load_state_dict(safetensors.torch.load_file(path))
        known = {key: about[key] for key in ("quantiles", "level", "people", "coverage")}
        same = about["weights"] == digest(run.folder.weights) and about["evidence"] == list(EVIDENCE)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path}: is no calibration that anysyn wrote; {AGAIN}") from error
    if not same:
        raise UserError(f"{path}: is of other weights than this run has now; {AGAIN}")
    return Calibration(calibrator.eval().requires_grad_(False), **known)
