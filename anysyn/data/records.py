"""What a search for subjects finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anysyn.acquisition import Acquisition


@dataclass(frozen=True)
class Subject:
    """Say where the images of a subject, or of one session, are.

    Args:
        key: Unique name: ``"sub-01"``, ``"sub-01_ses-1"`` or a folder such as ``"BraTS/0042"``.
        dataset: Name of the dataset or the site it comes from.
        images: Files by modality.
        acquisitions: What is known of each image, by modality.
        masks: Files of masks, by what they show, for example ``"lesion"``.
        person: Whose images they are; sessions of one person are never split apart. Empty: the key.
        split: Part it was given to beforehand: ``"train"``, ``"validation"`` or ``"test"``.
    """

    key: str
    dataset: str
    images: Mapping[str, Path]
    acquisitions: Mapping[str, Acquisition]
    masks: Mapping[str, Path]
    person: str = ""
    split: str | None = None


@dataclass(frozen=True)
class Failure:
    """Say what was left out.

    Args:
        key: The subject.
        path: The file or folder; None where it is the subject as a whole.
        reason: What is wrong, where, and the remedy, in a line.

    Example:
        >>> print(Failure("sub-01", Path("t1.nii.gz"), "t1.nii.gz: is truncated; copy it again"))
        sub-01: t1.nii.gz: is truncated; copy it again
    """

    key: str
    path: Path | None
    reason: str

    def __str__(self) -> str:
        return f"{self.key}: {self.reason}"


@dataclass(frozen=True)
class Found:
    """Hold what a search found.

    Args:
        subjects: Sorted by key.
        failures: What should have been used and cannot be.
        ignored: What is none of ours: an unknown contrast, the second run of one.
    """

    subjects: tuple[Subject, ...]
    failures: tuple[Failure, ...]
    ignored: tuple[Failure, ...] = ()


@contextmanager
def listed(failures: list[Failure], key: str, about: object = None) -> Iterator[None]:
    """Note what goes wrong with one case and let the others go on.

    Args:
        failures: Where it is noted.
        key: The subject.
        about: What of the subject, for example a pair; the whole of it by default.

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
