"""Records of a run as they are shared: numbers and options alone, whatever else stands in the files."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from anysyn.data.modalities import recognise
from anysyn.scans.steps import Steps
from anysyn.synthesis.suitability_check import profile_in
from anysyn.training.run_folder.folder import RunFolder
from anysyn.training.training_profile import PROFILE

LOOKS = ("BrainExtracted", "VoxelSizeMm")


def shared_study(run: RunFolder) -> dict[str, Any]:
    """Return ``study.json`` of a run with the keys that are known; nothing if there is none.

    Its steps are read from the record of a subject, so whatever else stands there stays behind.

    Args:
        run: The run folder.

    Example:
        >>> from pathlib import Path
        >>> shared_study(RunFolder(Path("nowhere")))
        {}
    """
    if not (run.path / "study.json").is_file():
        return {}
    study = run.read("study.json")
    steps = study.get("Steps")
    return {
        "Steps": _steps(steps) if isinstance(steps, dict) else None,
        **{key: _plain(study.get(key)) for key in LOOKS},
    }


def shared_profile(run: RunFolder) -> dict[str, Any]:
    """Return ``profile.json`` of a run: counts and statistics.

    Args:
        run: A run folder that has one.

    Raises:
        RunError: If it is not what a training writes.
    """
    profile, counts = profile_in(run), run.read(PROFILE)
    known = {key: _plain(counts.get(key)) for key in ("subjects", "measured")}
    return {**known, **({} if profile is None else profile.to_json())}


def _steps(steps: dict[str, Any]) -> dict[str, Any]:
    kept = {
        field.name: _plain(steps[field.name]) for field in fields(Steps) if field.name in steps and field.name != "to"
    }
    known = recognise(str(steps.get("to")))
    return {**kept, "to": known.name if known else None}


def _plain(value: Any) -> bool | int | float | None:
    return value if isinstance(value, bool | int | float) else None
