"""The sources of a synthesis from files, as they are handed in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anysyn.data.modalities import modality
from anysyn.errors import UserError


def source_files(sources: Mapping[str, Any]) -> dict[str, Path]:
    """Return files by canonical name of the modality.

    Args:
        sources: Files by any name of the modality.

    Raises:
        UserError: If they are no files by modality, or name one modality twice.

    Example:
        >>> source_files({"t1": "t1.nii.gz"})
        {'T1w': PosixPath('t1.nii.gz')}
        >>> source_files({"T1w": 3})
        Traceback (most recent call last):
        anysyn.errors.UserError: T1w: an int is no file; for images in memory, call what anysyn.load(run) returns
    """
    if not isinstance(sources, Mapping):
        raise UserError(f"sources: a {type(sources).__name__}; hand in files by modality: {{'T1w': 't1.nii.gz'}}")
    for name, path in sources.items():
        if not isinstance(path, str | os.PathLike):
            kind = type(path).__name__
            article = "an" if kind[0] in "aeiouAEIOU" else "a"
            raise UserError(
                f"{name}: {article} {kind} is no file; for images in memory, call what anysyn.load(run) returns"
            )
    files = {modality(name).name: Path(path) for name, path in sources.items()}
    if len(files) < len(sources):
        raise UserError(f"--source: {', '.join(sources)} name one modality twice")
    return files
