"""Channels of nnU-Net's layout: ``imagesTr/case_001_0000.nii.gz`` is channel 0 of case_001, named in dataset.json."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from anysyn.data.errors import SidecarError
from anysyn.data.subjects.sidecars import read_sidecar

_CHANNEL = re.compile(r"(?P<case>.+)_(?P<channel>\d{4})")
_FOLDER = re.compile(r"images(tr|ts|val)", re.IGNORECASE)


def read_channels(images: Path) -> Mapping[str, str]:
    """Return the names of the channels by number, from the ``dataset.json`` beside a folder ``imagesTr``.

    Args:
        images: The folder; empty for one of another name, or without a ``dataset.json`` that names channels.

    Example:
        >>> read_channels(Path("nowhere/imagesTr"))
        {}
    """
    path = images.parent / "dataset.json"
    if not _FOLDER.fullmatch(images.name) or not path.is_file():
        return {}
    try:
        content = read_sidecar(path)
    except SidecarError:
        return {}
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
