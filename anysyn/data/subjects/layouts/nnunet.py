"""The layout of nnU-Net: ``imagesTr/x_0000`` is channel 0 of x, as dataset.json names it, ``labelsTr/x`` its labels."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anysyn.data.errors import SidecarError
from anysyn.data.subjects.sidecars import read_sidecar

_CHANNEL = re.compile(r"(?P<case>.+)_(?P<channel>\d{4})")
_FOLDER = re.compile(r"images(tr|ts|val)", re.IGNORECASE)
_LABELS = re.compile(r"labels(tr|ts|val)", re.IGNORECASE)


def read_channels(images: Path) -> Mapping[str, str]:
    """Return the names of the channels by number, from the ``dataset.json`` beside a folder ``imagesTr``.

    Args:
        images: The folder; empty for one of another name, or without a ``dataset.json`` that names channels.

    Example:
        >>> read_channels(Path("nowhere/imagesTr"))
        {}
    """
    if not _FOLDER.fullmatch(images.name):
        return {}
    content = _description(images.parent)
    names = content.get("channel_names", content.get("modality"))
    return {str(number): str(name) for number, name in names.items()} if isinstance(names, dict) else {}


def channel_of(name: str) -> tuple[str, str]:
    """Split a file's name without its ending into the case and the number of its channel, "" if it has none.

    Example:
        >>> channel_of("BRATS_001_0003"), channel_of("BRATS_001")
        (('BRATS_001', '3'), ('BRATS_001', ''))
    """
    match = _CHANNEL.fullmatch(name)
    return (match["case"], str(int(match["channel"]))) if match else (name, "")


def images_of(labels: Path) -> Path | None:
    """Return the folder of the images whose label maps a folder holds; None for a folder of another name.

    Example:
        >>> images_of(Path("Task01/labelsTr")).as_posix(), images_of(Path("Task01/masks"))
        ('Task01/imagesTr', None)
    """
    name = labels.name
    return labels.with_name(f"images{name[len('labels') :]}") if _LABELS.fullmatch(name) else None


def label_name(labels: Path) -> str:
    """Return what the label maps of a folder show: the one label that dataset.json names, else ``labels``.

    The numbers of several labels mean what that dataset says, not what those of BraTS's ``seg`` do.

    Args:
        labels: The folder ``labelsTr``, beside ``dataset.json``.

    Example:
        >>> label_name(Path("nowhere/labelsTr"))
        'labels'
    """
    named = _description(labels.parent).get("labels")
    pairs = named.items() if isinstance(named, dict) else ()
    shown = [word for pair in pairs if (word := _foreground(*pair))]
    return shown[0] if len(shown) == 1 else "labels"


def _foreground(key: str, value: Any) -> str:
    """Return the name of a label in lower case, "" for the background; name and number stand in either order."""
    name = value if key.isdigit() else key
    return re.sub(r"\W+", "_", str(name).lower()) if 0 not in (value, key) and "0" not in (value, key) else ""


def _description(folder: Path) -> Mapping[str, Any]:
    path = folder / "dataset.json"
    try:
        return read_sidecar(path) if path.is_file() else {}
    except SidecarError:
        return {}
