"""Entries of a sidecar that BIDS asks of a derivative: the sources as URIs, and whether the skull was removed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from anysyn.data.modalities import modality
from anysyn.data.subjects.layouts.bids import is_bids
from anysyn.data.subjects.layouts.bids_below import only_dataset
from anysyn.data.subjects.sidecars import sidecar_beside
from anysyn.data.volumes.study import Study
from anysyn.data.volumes.volume import Volume
from anysyn.scans.training_study import is_brain_alone

RAW = "raw"  # how BIDS URIs call the data that a derivative is made from


def source_uris(files: Iterable[Path], data: Path) -> dict[str, list[str]]:
    """Return the entry of a sidecar that names sources by their BIDS URIs; nothing if they are not all of a dataset.

    Args:
        files: The sources.
        data: The data that a derivative is made from.

    Example:
        >>> source_uris([Path("bids/sub-01/anat/sub-01_T1w.nii.gz")], Path("nowhere"))
        {}
    """
    dataset = dataset_of(data)
    if dataset is None:
        return {}
    places, root = [path.absolute() for path in files], dataset.absolute()
    if not all(place.is_relative_to(root) for place in places):
        return {}
    return {"Sources": [f"bids:{RAW}:{place.relative_to(root).as_posix()}" for place in places]}


def dataset_of(data: Path) -> Path | None:
    """Return the BIDS dataset that is read of a folder or table; None if it is none.

    Example:
        >>> dataset_of(Path("subjects.csv")) is None
        True
    """
    if not data.is_dir():
        return None
    return only_dataset(data) or (data if is_bids(data) else None)


def skull_stripped(study: Study, name: str, path: Path) -> dict[str, bool]:
    """Return the entry that says whether the skull was removed: as the sidecar of a source does, or by its looks.

    Args:
        study: The sources.
        name: Modality of one of them; only an MRI is looked at.
        path: Its file.

    Example:
        >>> import numpy as np, torch
        >>> study = Study("sub-01", "", {"CT": torch.zeros(2, 2, 2)}, np.eye(4), torch.ones(2, 2, 2) > 0)
        >>> skull_stripped(study, "CT", Path("nowhere.nii.gz"))
        {'SkullStripped': False}
    """
    stated = sidecar_beside(path).get("SkullStripped")
    if isinstance(stated, bool):
        return {"SkullStripped": stated}
    looks = modality(name).family == "MRI" and is_brain_alone(Volume(study.images[name], study.affine), name)
    return {"SkullStripped": bool(looks)}
