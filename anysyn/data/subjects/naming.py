"""What contrast a file is, by its name, its sidecar and the names that a user gives."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import PurePath
from typing import Any

from anysyn.data.modalities import modality, recognise

NONE = "none"  # what a user calls a file that is no contrast


@dataclass(frozen=True)
class Recognised:
    """What a file was recognised as.

    Args:
        name: Canonical name of the modality; None if it is none of the known ones, or if that is unclear.
        reason: What says so, in a few words: ``"the name says T1 and GD"``, ``"ContrastBolusAgent"``.
        extra: Words of the file's name that the modality does not account for: of two files, fewer are plainer.
        unclear: Whether it may be one of several, so that the file is refused and not merely ignored.
    """

    name: str | None
    reason: str
    extra: int = 0
    unclear: bool = False


@dataclass(frozen=True)
class Naming:
    """How files are called.

    Args:
        names: Modality, or ``"none"``, by a glob of the file's name without its ending, or of its path below the root
            if the glob has a slash; the first one that matches decides, before the name and the sidecar do.

    Example:
        >>> naming = Naming({"*_post": "T1c", "*voided*": "none"})
        >>> naming.given(PurePath("p1/scan_post.nii.gz")).name, naming.contrast(["t2", "flair", "n4"]).name
        ('T1c', 'FLAIR')
    """

    names: Mapping[str, str] = field(default_factory=dict)

    def given(self, path: PurePath) -> Recognised | None:
        """Return what the user's names say of a file, by its path below the root; None if they say nothing."""
        name = re.sub(r"\.[^/]*$", "", path.name)
        for glob, meant in self.names.items():
            if fnmatch((str(path) if "/" in glob else name).lower(), glob.lower()):
                return Recognised(None if meant == NONE else modality(meant).name, f"names: {glob} is {meant}")
        return None

    def contrast(self, words: Sequence[str], sidecar: Mapping[str, Any] | None = None) -> Recognised:
        """Return what the words of a file's name and its sidecar say."""
        names = contrasts(words)
        if len(names) == 1:
            return Recognised(names[0], "its name", extra=len(words) - 1)
        if names:
            return Recognised(None, f"names several contrasts ({', '.join(names)})", unclear=True)
        return Recognised(None, "names no known contrast")


def contrasts(words: Sequence[str]) -> list[str]:
    """Return the modalities named in the words of a file name; of overlapping names the longest is used.

    Example:
        >>> contrasts(["00000", "t1ce"]), contrasts(["t2", "flair", "n4"]), contrasts(["T1", "to", "FLAIR"])
        (['T1c'], ['FLAIR'], ['T1w', 'FLAIR'])
    """
    names: list[str] = []
    start = 0
    while start < len(words):
        candidates = ((end, recognise("".join(words[start:end]))) for end in range(len(words), start, -1))
        end, known = next(((end, known) for end, known in candidates if known), (start + 1, None))
        names += [known.name] if known else []
        start = end
    return list(dict.fromkeys(names))
