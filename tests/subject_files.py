"""Files of subjects as people lay them out, and what was found among them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np

from anysyn.data.records import Failure, FoundSubjects


def image(path: Path, sidecar: Mapping[str, object] | None = None, shape: tuple[int, ...] = (4, 5, 6)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    nib.Nifti1Image(voxels, np.diag([-1.0, 1.0, 2.5, 1.0])).to_filename(path)
    if sidecar is not None:
        text(path.with_name(path.name.replace(".nii.gz", ".json")), json.dumps(sidecar))
    return path


def text(path: Path, content: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def contrasts(found: FoundSubjects) -> dict[str, list[str]]:
    return {subject.key: sorted(subject.images) for subject in found.subjects}


def reasons(listed: tuple[Failure, ...]) -> str:
    assert all("\n" not in failure.reason and str(failure.path) in failure.reason for failure in listed)
    return " | ".join(str(failure) for failure in listed)
