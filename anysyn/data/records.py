"""The records of a search for subjects: subjects, their files, and what was left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from anysyn.acquisition import Acquisition
from anysyn.text.counts import counted


@dataclass(frozen=True)
class Subject:
    """The files of one subject, or of one session of a subject.

    Args:
        key: Unique name: ``"sub-01"``, ``"sub-01_ses-1"`` or a folder such as ``"BraTS/0042"``.
        dataset: Name of its dataset or centre.
        images: Files, by modality.
        acquisitions: Acquisition parameters of each image, by modality.
        masks: Files of masks, by what they show, for example ``"lesion"``.
        person: Name of the person; all sessions of a person go to the same part of a split. Empty: the key.
        split: Predefined part: ``"train"``, ``"validation"`` or ``"test"``.
        reasons: What says that each image is of its modality, by modality: ``"its name"``.
        sidecars: Sidecars that were read for each image, by modality, the one that takes precedence last.
        absent: Why the file of a modality counts as absent, by modality: it is blank.
    """

    key: str
    dataset: str
    images: Mapping[str, Path]
    acquisitions: Mapping[str, Acquisition]
    masks: Mapping[str, Path]
    person: str = ""
    split: str | None = None
    reasons: Mapping[str, str] = field(default_factory=dict)
    sidecars: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """A file, folder or subject that was left out, and why.

    Args:
        key: The subject.
        path: The file or folder; None for the subject as a whole.
        reason: What is wrong, where, and the remedy, in one line.
        modality: What the file would have been, where that is known.
        instead: The file that is used in its place: it was chosen among several of one modality.

    Example:
        >>> print(Failure("sub-01", Path("t1.nii.gz"), "t1.nii.gz: is truncated; copy it again"))
        sub-01: t1.nii.gz: is truncated; copy it again
    """

    key: str
    path: Path | None
    reason: str
    modality: str | None = None
    instead: Path | None = None

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"


@dataclass(frozen=True)
class FoundSubjects:
    """Result of a search for subjects.

    Args:
        subjects: Sorted by key.
        failures: Files and folders that should be used but cannot be, and those of which none can be chosen.
        ignored: Files and folders that are not needed: an unknown contrast, a second run.
        notes: What was understood though it was not written as expected, a line each: a table with semicolons.
        layout: How the files are laid out: ``"bids"``, ``"folders"`` or ``"csv"``.
    """

    subjects: tuple[Subject, ...]
    failures: tuple[Failure, ...]
    ignored: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    layout: str = ""

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"FoundSubjects({counted(len(self.subjects), 'subject')}, {counted(len(self.failures), 'failure')})"

    @property
    def choices(self) -> tuple[Failure, ...]:
        """Files left out because another one of the same modality is used, which is `Failure.instead`."""
        return tuple(failure for failure in self.ignored if failure.instead is not None)


@contextmanager
def listed(failures: list[Failure], key: str, about: object = None) -> Iterator[None]:
    """Turn an error in one case into a failure, so that the other cases go on.

    Args:
        failures: The failure is appended to it.
        key: The subject.
        about: Part of the subject, for example a pair; by default the subject as a whole.

    Example:
        >>> failures = []
        >>> with listed(failures, "sub-01", "T1w:T2w"):
        ...     raise ValueError("too small")
        >>> failures[0].reason
        'T1w:T2w: too small'
    """
    try:
        yield
    except (ValueError, OSError, RuntimeError, MemoryError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        failures.append(Failure(key, None, reason if about is None else f"{about}: {reason}"))
