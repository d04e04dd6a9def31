"""Collection of one subject's images, file by file; a file that cannot be used is listed, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anysyn.acquisition import Acquisition
from anysyn.data.modalities import modalities, named
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.data.volumes.nifti import read_header, spacing_of
from anysyn.errors import UserError


@dataclass
class Collector:
    """Images and masks of one subject, while its files are being read.

    Args:
        key: Unique name of the subject.
        dataset: Name of its dataset.
        person: Name of the person.
        traits: Acquisition fields that describe the person: ``age_years``, ``sex``.
    """

    key: str
    dataset: str
    person: str
    traits: Mapping[str, Any] = field(default_factory=dict)
    split: str | None = None
    files: dict[str, Path] = field(default_factory=dict)
    acquisitions: dict[str, Acquisition] = field(default_factory=dict)
    masks: dict[str, Path] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    ignored: list[Failure] = field(default_factory=list)

    def add(self, name: str, path: Path, sidecar: Callable[[], Mapping[str, Any]]) -> None:
        """Add the file of a modality if its header and ``sidecar()`` can be read; only the first file is used."""
        if name in self.files:
            self.ignore(path, f"is not used; {self.files[name].name} is the first {name}")
            return
        try:
            spacing = spacing_of(read_header(path))
            record = Acquisition.from_bids(sidecar(), voxel_size_mm=spacing, **self.traits)
            self.acquisitions[name] = named(record, name)
        except UserError as error:
            self.leave_out(path, str(error))
            return
        self.files[name] = path

    def add_mask(self, name: str, path: Path) -> None:
        """Add a mask; only the first of a name is used."""
        if self.masks.setdefault(name, path) != path:
            self.ignore(path, f"is not used; {self.masks[name].name} is the first mask named {name}")

    def leave_out(self, path: Path, reason: str) -> None:
        """List a file or folder that should be used but cannot be, and why."""
        self.failures.append(failure(self.key, path, reason))

    def ignore(self, path: Path, reason: str) -> None:
        """List a file or folder that is not needed, and why."""
        self.ignored.append(failure(self.key, path, reason))

    def subject(self) -> Subject:
        """Return the subject, with its images in the order of the modality table."""
        files = {known.name: self.files[known.name] for known in modalities() if known.name in self.files}
        acquisitions = {name: self.acquisitions[name] for name in files}
        return Subject(self.key, self.dataset, files, acquisitions, self.masks, self.person, self.split)


def found_subjects(
    collected: Sequence[Collector], failures: Iterable[Failure] = (), ignored: Iterable[Failure] = ()
) -> FoundSubjects:
    """Return the subjects that have an image, and what was left out of all subjects and before them."""
    return FoundSubjects(
        tuple(images.subject() for images in collected if images.files),
        (*failures, *(failure for images in collected for failure in images.failures)),
        (*ignored, *(failure for images in collected for failure in images.ignored)),
    )


def failure(key: str, path: Path, reason: str) -> Failure:
    """Return a failure whose reason names the file.

    Example:
        >>> failure("sub-01", Path("t1.json"), "is no JSON").reason
        't1.json: is no JSON'
    """
    return Failure(key, path, reason if str(path) in reason else f"{path}: {reason}")
