"""Images that an earlier call of `complete` made: which of them count, and which are made anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from anysyn.acquisition import Acquisition
from anysyn.data.geometry.grid import Grid
from anysyn.errors import UserError
from anysyn.synthesis.completion.missing_contrasts import Missing
from anysyn.synthesis.files import request_record
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.requests.acquisition import requested_acquisitions
from anysyn.synthesis.written_images import digest, same, source_record, sources_of, whole_record

REMEDY = "choose another output folder, or make it anew with --overwrite"
Records = Mapping[Path, Mapping[str, Any]]


def earlier_records(gaps: Iterable[Missing]) -> dict[Path, dict[str, Any]]:
    """Return the sidecars of the images that are there already, whole and made by anysyn, by file."""
    paths = [path for gap in gaps for path in gap.files.values() if path.exists()]
    return {path: record for path in paths if (record := whole_record(path)) is not None}


def check_same_run(run: LoadedRun, earlier: Records) -> None:
    """Refuse to continue the output of another run, or of this one for another dataset or in another precision.

    Raises:
        UserError: If one of the images is of another.
    """
    hashes = {"Weights": {"sha256": digest(run.folder.weights)}, "DatasetAskedFor": run.dataset}
    for path, record in earlier.items():
        if any(record.get(key) != value for key, value in hashes.items()):
            raise UserError(f"{path} was made by another run, or with another --dataset; {REMEDY}")
        if record.get("Precision", run.recipe.precision) != run.hardware.precision:
            raise UserError(f"{path} was made with another --precision; {REMEDY}")


def check_same_request(gap: Missing, earlier: Records, resample_to: str | None) -> None:
    """Refuse to count images that were made from other files, or were asked for differently.

    Args:
        gap: The contrasts that a subject lacks.
        earlier: Sidecars of the images that are there.
        resample_to: Source whose grid the others are resampled to.

    Raises:
        UserError: If one of the images is another than the one that would be made now.
    """
    made = {name: path for name, path in gap.files.items() if path in earlier}
    if not made:
        return
    sources = {name: source_record(gap.subject.images[name]) for name in gap.sources}
    request = request_record(gap.sources, resample_to)
    acquisitions = _requested(gap, list(made))
    for name, path in made.items():
        record = earlier[path]
        if not same(sources_of(record), sources):
            raise UserError(f"{path} was made from other files than {_words(gap)}; {REMEDY}")
        asked = {**record.get("AcquisitionAskedFor", {}), "voxel_size_mm": None}
        if not (same(record.get("Request"), request) and same(asked, acquisitions[name])):
            raise UserError(f"{path} was made from {_words(gap)}, but asked for differently; {REMEDY}")


def _requested(gap: Missing, names: list[str]) -> dict[str, dict[str, Any]]:
    """Return the requested acquisitions without the voxel size, which follows from the first source."""
    first: Acquisition | None = gap.subject.acquisitions.get(gap.sources[0]) if gap.sources else None
    anywhere = Grid((1, 1, 1), np.eye(4))
    requested = requested_acquisitions(None, names, first, anywhere)
    return {name: {**record.known(), "voxel_size_mm": None} for name, record in requested.items()}


def _words(gap: Missing) -> str:
    return ", ".join(str(gap.subject.images[name]) for name in gap.sources) or "none"
