"""A BIDS dataset that lies below the folder that is given: ``study/rawdata/sub-01`` beside ``study/derivatives``."""

from __future__ import annotations

from pathlib import Path

from anysyn.data.errors import SidecarError
from anysyn.data.records import Failure
from anysyn.data.subjects.collector import failure
from anysyn.data.subjects.layouts.bids import is_bids
from anysyn.data.subjects.sidecars import read_sidecar
from anysyn.data.subjects.tree import read_tree

# Of a study laid out as BIDS advises: what was computed, and what the dataset was made from.
_NOT_RAW = ("derivatives", "sourcedata", "code")


def datasets_below(root: Path) -> list[Path]:
    """Return the BIDS datasets in the folders of a folder; those that were derived only if there is no other one.

    Args:
        root: A folder that is no BIDS dataset with subjects itself.

    Example:
        >>> import tempfile
        >>> study = Path(tempfile.mkdtemp())
        >>> (study / "rawdata" / "sub-01" / "anat").mkdir(parents=True)
        >>> [dataset.name for dataset in datasets_below(study)]
        ['rawdata']
    """
    if any(root.glob("sub-*/")):
        return []
    inside = [path for path in sorted(root.iterdir()) if path.is_dir() and path.name != "derivatives" and _holds(path)]
    return [path for path in inside if not _is_derived(path)] or inside


def only_dataset(root: Path) -> Path | None:
    """Return the one BIDS dataset below a folder; None if there are several, or images beside it that it would hide."""
    datasets = datasets_below(root)
    if len(datasets) != 1:
        return None
    allowed = {*_NOT_RAW, datasets[0].name}
    others = (folder.relative_to(root).parts for folder in read_tree(root).folders)
    return datasets[0] if all(parts and parts[0] in allowed for parts in others) else None


def outside(root: Path, dataset: Path) -> list[Failure]:
    """List the folders with volumes that are outside of the dataset that is read."""
    folders = {folder: names for folder, names in read_tree(root).folders.items() if dataset not in folder.parents}
    reason = f"is outside of {dataset.name}, the BIDS dataset that is read; volumes:"
    return [
        failure(folder.relative_to(root).as_posix(), folder, f"{reason} {len(names)}")
        for folder, names in folders.items()
    ]


def _holds(path: Path) -> bool:
    return any(path.glob("sub-*/")) and is_bids(path)


def _is_derived(path: Path) -> bool:
    try:
        return read_sidecar(path / "dataset_description.json").get("DatasetType") == "derivative"
    except SidecarError:
        return False
