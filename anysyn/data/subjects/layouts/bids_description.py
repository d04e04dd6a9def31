"""The description of a BIDS dataset: its name, and what generated it."""

from __future__ import annotations

from pathlib import Path

from anysyn.data.errors import SidecarError
from anysyn.data.records import Failure
from anysyn.data.subjects.collector import failure
from anysyn.data.subjects.sidecars import read_sidecar

DESCRIPTION = "dataset_description.json"
OURS = "anysyn"


def dataset_name(root: Path, failures: list[Failure]) -> str:
    """Return the name of a dataset, or that of its folder.

    Args:
        root: The dataset.
        failures: A description that cannot be read is appended to it.
    """
    path = root / DESCRIPTION
    name = None
    if path.is_file():
        try:
            name = read_sidecar(path).get("Name")
        except SidecarError as error:
            failures.append(failure(path.name, path, str(error)))
    return name if isinstance(name, str) and name else root.resolve().name


def is_made_by_anysyn(folder: Path) -> bool:
    """Tell whether a folder is a derivative that anysyn made, by its ``GeneratedBy``.

    Example:
        >>> is_made_by_anysyn(Path("nowhere"))
        False
    """
    try:
        return OURS in [author["Name"] for author in read_sidecar(folder / DESCRIPTION)["GeneratedBy"]]
    except (SidecarError, KeyError, TypeError):
        return False
