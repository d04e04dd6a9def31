"""Collection of one subject's images: of several files of a modality, one is chosen for a reason, or none is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anysyn.acquisition import Acquisition
from anysyn.data.modalities import modalities, named
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.data.subjects.several_files import Candidate, all_of, choose, why
from anysyn.data.volumes.formats import read_header
from anysyn.errors import UserError


@dataclass
class Collector:
    """Images and masks of one subject, while its files are being read.

    Args:
        key: Unique name of the subject.
        dataset: Name of its dataset.
        person: Name of the person.
        remedy: What a user does where no file can be chosen.
        traits: Acquisition fields that describe the person: ``age_years``, ``sex``.
        split: Predefined part.
    """

    key: str
    dataset: str
    person: str
    remedy: str
    traits: Mapping[str, Any] = field(default_factory=dict)
    split: str | None = None
    images: dict[str, list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    masks: dict[str, list[Candidate]] = field(default_factory=lambda: defaultdict(list))
    failures: list[Failure] = field(default_factory=list)
    ignored: list[Failure] = field(default_factory=list)

    def add(self, name: str, candidate: Candidate) -> None:
        """Add a file that may be the image of a modality."""
        self.images[name].append(candidate)

    def add_mask(self, name: str, candidate: Candidate) -> None:
        """Add a file that may be the mask of a name, in lower case as in the columns of a table."""
        self.masks[name.lower()].append(candidate)

    def leave_out(self, path: Path, reason: str, modality: str | None = None) -> None:
        """List a file or folder that should be used but cannot be, and why."""
        self.failures.append(failure(self.key, path, reason, modality))

    def ignore(self, path: Path, reason: str, modality: str | None = None, instead: Path | None = None) -> None:
        """List a file or folder that is not needed, and why."""
        self.ignored.append(replace(failure(self.key, path, reason, modality), instead=instead))

    def subject(self) -> Subject:
        """Choose the files and read their headers; the images are in the order of the modality table."""
        if not self.images:
            for path in (one.path for files in self.masks.values() for one in files):
                self.ignore(path, "is a mask of no image here")
            self.masks.clear()
        used = {m.name: found for m in modalities() if (found := self._chosen(m.name, self.images.get(m.name)))}
        masks = {name: found for name, files in self.masks.items() if (found := self._chosen(name, files))}
        records = {name: record for name, one in used.items() if (record := self._acquisition(name, one))}
        return Subject(
            self.key,
            self.dataset,
            images={name: used[name].path for name in records},
            acquisitions=records,
            masks={name: one.path for name, one in masks.items()},
            person=self.person,
            split=self.split,
            reasons={name: used[name].reason for name in records},
            sidecars={name: used[name].sidecars for name in records if used[name].sidecars},
        )

    def _chosen(self, name: str, candidates: Sequence[Candidate] | None) -> Candidate | None:
        """Return the file to use, and list the others; None, and a failure, if none is plainer than the others."""
        if not candidates:
            return None
        first, rivals, others = choose(candidates)
        if rivals:
            each = f"are {'all' if len(rivals) > 1 else 'both'} {name}, and none has the plainer name"
            self.leave_out(first.path, f"{all_of([first, *rivals])} {each}; {self.remedy}", name)
        for other in others:
            reason = "neither this one nor a plainer one is used" if rivals else why(first, other, name)
            self.ignore(other.path, reason, name, None if rivals else first.path)
        return None if rivals else first

    def _acquisition(self, name: str, image: Candidate) -> Acquisition | None:
        """Return the acquisition by header and sidecar; None, and a failure, if one of them cannot be used."""
        try:
            spacing = read_header(image.path).spacing
            return named(Acquisition.from_bids(image.fields, voxel_size_mm=spacing, **self.traits), name)
        except UserError as error:
            line = f"line {image.line}: " if image.line else ""
            self.leave_out(image.path, f"{line}{error}", name)
            return None


def found_subjects(
    collected: Sequence[Collector], failures: Iterable[Failure] = (), ignored: Iterable[Failure] = ()
) -> FoundSubjects:
    """Return the subjects that have an image, and what was left out of all subjects and before them."""
    subjects = [images.subject() for images in collected]
    return FoundSubjects(
        tuple(subject for subject in subjects if subject.images),
        (*failures, *(failure for images in collected for failure in images.failures)),
        (*ignored, *(failure for images in collected for failure in images.ignored)),
    )


def failure(key: str, path: Path, reason: str, modality: str | None = None) -> Failure:
    """Return a failure whose reason names the file.

    Example:
        >>> failure("sub-01", Path("t1.json"), "is no JSON").reason
        't1.json: is no JSON'
    """
    return Failure(key, path, reason if str(path) in reason else f"{path}: {reason}", modality)
