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
from anysyn.data.volumes.formats import read_header
from anysyn.errors import UserError

_MOST_NAMED = 3


@dataclass(frozen=True)
class Candidate:
    """A file that may be the image of one modality of a subject.

    Args:
        path: The file.
        reason: What says that it is of this modality.
        asked: 0 if the user asks for this very file, 1 if not; those with the lower number are used.
        extra: How much its name says beyond the modality, the weightier first: of two, the lower one is the plainer
            name, and is used.
        scan: What tells it apart from other scans of the modality, but for the number of its run.
        run: Number of its run: of several runs of one scan, the first is used.
        fields: Fields of its sidecar.
        sidecars: Files that these are from.
        line: Line of the table that lists it; 0 without a table.
    """

    path: Path
    reason: str
    asked: int = 1
    extra: tuple[int, ...] = ()
    scan: tuple[str, ...] = ()
    run: int = 0
    fields: Mapping[str, Any] = field(default_factory=dict)
    sidecars: tuple[Path, ...] = ()
    line: int = 0

    @property
    def plainness(self) -> tuple[int, tuple[int, ...]]:
        """The lower, the sooner it is used."""
        return self.asked, self.extra


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
        first, *others = sorted(candidates, key=lambda one: (one.plainness, one.run, one.path))
        rivals = [one for one in others if _rival(first, one)]
        if rivals:
            each = f"are {'all' if len(rivals) > 1 else 'both'} {name}, and none has the plainer name"
            self.leave_out(first.path, f"{_all_of([first, *rivals])} {each}; {self.remedy}", name)
        for other in (one for one in others if one not in rivals):
            reason = "neither this one nor a plainer one is used" if rivals else _why(first, other, name)
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


def _rival(first: Candidate, other: Candidate) -> bool:
    """Return whether nothing says that the first one is to be used rather than the other."""
    if other.plainness != first.plainness or _same_file(first, other):
        return False
    return other.scan != first.scan or other.run == first.run


def _same_file(first: Candidate, other: Candidate) -> bool:
    return first.path.resolve() == other.path.resolve()


def _why(first: Candidate, other: Candidate, name: str) -> str:
    if _same_file(first, other):
        return f"is not used; {first.path.name} is the same file"
    if other.asked != first.asked:
        return f"is not used; {first.path.name} is the {name} that is asked for"
    if other.extra != first.extra:
        return f"is not used; {first.path.name} is the plainer name of a {name}"
    return f"is not used; {first.path.name} is the first run of {name}"


def _all_of(files: Sequence[Candidate]) -> str:
    alike = len({one.path.name for one in files}) < len(files)
    paths = [str(one.path) if alike or not i else one.path.name for i, one in enumerate(files)]
    shown = [f"{path} (line {one.line})" if one.line else path for path, one in zip(paths, files, strict=True)]
    if len(shown) > _MOST_NAMED:
        return ", ".join(shown[:_MOST_NAMED]) + f" and {len(shown) - _MOST_NAMED} more"
    return ", ".join(shown[:-1]) + f" and {shown[-1]}"


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
