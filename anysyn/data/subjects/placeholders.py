"""Placeholders: blank images that stand for absent ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from anysyn.data.errors import BlankImageError, VolumeError
from anysyn.data.records import Failure, Subject
from anysyn.data.volumes.volume import read_volume

MOST_BYTES = 2**21  # compressed, a blank image of 10^9 voxels is smaller, and one of a head is larger


def without_blank(subject: Subject, names: Collection[str]) -> Subject:
    """Return a subject whose blank images count as absent.

    Args:
        subject: The subject.
        names: Modalities to look at; a file of another one is not read.
    """
    absent = {name: reason for name in names if (reason := _blank(subject.images.get(name))) is not None}
    if not absent:
        return subject
    images = {name: path for name, path in subject.images.items() if name not in absent}
    return replace(subject, images=images, absent={**subject.absent, **absent})


def absent_images(subjects: Iterable[Subject]) -> list[Failure]:
    """List the images of subjects that count as absent, and why.

    Example:
        >>> print(*absent_images([Subject("sub-01", "", {}, {}, {}, absent={"T2w": "t2.nii: every voxel is 0"})]))
        sub-01: T2w counts as absent: t2.nii: every voxel is 0
    """
    return [
        Failure(subject.key, None, f"{name} counts as absent: {reason}", name)
        for subject in subjects
        for name, reason in subject.absent.items()
    ]


def _blank(path: Path | None) -> str | None:
    try:
        if path is None or (path.name.lower().endswith("gz") and path.stat().st_size > MOST_BYTES):
            return None
        read_volume(path)
    except BlankImageError as error:
        return str(error)
    except (VolumeError, OSError):  # is reported where it is used
        return None
    return None
