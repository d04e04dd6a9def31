"""The inventory of a cohort: its subjects with their files, what was left out, and who is in which part of a split."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from anysyn.data.modalities import modalities
from anysyn.data.records import Failure, FoundSubjects, Subject
from anysyn.text.counts import counted

TABLES = (".csv", ".tsv")


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """What was read of a cohort.

    Args:
        root: The folder or table that was searched.
        found: The subjects; files that should be used and cannot be; files that are not used, and why.
        needed: Modalities that are used; None for all.
        parts: Part of the split by the key of the subject; empty without a split.

    Example:
        >>> subject = Subject("sub-01", "IXI", {"T1w": Path("t1.nii.gz"), "DWI": Path("dwi.nii.gz")}, {}, {})
        >>> inventory = Inventory(root=Path("IXI"), found=FoundSubjects((subject,), ()), needed=("T1w", "T2w"))
        >>> inventory.counts(), inventory.not_needed()
        ({'T1w': 1, 'T2w': 0}, {'DWI': 1})
    """

    root: Path
    found: FoundSubjects
    needed: tuple[str, ...] | None = None
    parts: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return how much there is; `summary` has the rest."""
        images = ", ".join(f"{name} {number}" for name, number in self.counts().items())
        parts = ", ".join(f"{part} {number}" for part, number in Counter(self.parts.values()).items())
        failures = counted(len(self.failures), "failure") if self.failures else ""
        about = "; ".join(filter(None, [images, parts, failures]))
        return f"Inventory({self.root}: {counted(len(self.subjects), 'subject')}; {about})"

    @property
    def folder(self) -> Path:
        """Return the folder below which the files lie."""
        return self.root.parent if self.root.suffix.lower() in TABLES else self.root

    @property
    def subjects(self) -> tuple[Subject, ...]:
        """Return the subjects, sorted by key."""
        return self.found.subjects

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Return what should be used and cannot be."""
        return self.found.failures

    @property
    def ignored(self) -> tuple[Failure, ...]:
        """Return what is not used, and why."""
        return self.found.ignored

    def below(self, text: str | Path) -> str:
        """Return a path, or a reason that names paths, without the folder, which a summary names once.

        Example:
            >>> Inventory(root=Path("IXI"), found=FoundSubjects((), ())).below("IXI/01/scout.nii.gz: is a scout")
            '01/scout.nii.gz: is a scout'
        >>> Inventory(root=Path("anat"), found=FoundSubjects((), ())).below("anat/01/anat/T1.nii.gz")
        '01/anat/T1.nii.gz'
        """
        return (
            str(text)
            if self.folder == Path()
            else re.sub(rf"(?<![^\s'\"(]){re.escape(f'{self.folder}/')}", "", str(text))
        )

    def shown(self, subject: Subject) -> dict[str, Path]:
        """Return the images of a subject that are needed."""
        return {name: path for name, path in subject.images.items() if self.needed is None or name in self.needed}

    def counts(self) -> dict[str, int]:
        """Return the number of images of each needed modality, in the order of the recipe or of the modality table."""
        counts = self._images()
        return {name: counts[name] for name in (self.needed or _ordered(counts))}

    def not_needed(self) -> dict[str, int]:
        """Return the number of images of each modality that is not needed."""
        counts = self._images()
        return {name: counts[name] for name in _ordered(counts) if self.needed is not None and name not in self.needed}

    def _images(self) -> Counter[str]:
        return Counter(name for subject in self.subjects for name in subject.images)


def _ordered(names: Collection[str]) -> list[str]:
    return [known.name for known in modalities() if known.name in names]


def needed(found: FoundSubjects, names: Sequence[str]) -> FoundSubjects:
    """Count as failures only those of modalities that are used; those of others are listed as not needed.

    Args:
        found: What was found.
        names: Modalities that are used.

    Example:
        >>> bad = Failure("sub-01", Path("dwi.nii.gz"), "dwi.nii.gz: has 4 axes", "DWI")
        >>> result = needed(FoundSubjects((), (bad,)), ["T1w", "T2w"])
        >>> result.failures, result.ignored[0].reason
        ((), 'dwi.nii.gz: has 4 axes (not needed: DWI is not among T1w, T2w)')
    """
    unneeded = [bad for bad in found.failures if bad.modality is not None and bad.modality not in names]
    listed = (_not_needed(bad, f"{bad.modality} is not among {', '.join(names)}") for bad in unneeded)
    failures = tuple(bad for bad in found.failures if bad not in unneeded)
    return replace(found, failures=failures, ignored=(*found.ignored, *listed))


def without(found: FoundSubjects, excluded: Mapping[str, str]) -> FoundSubjects:
    """List subjects as not used; what cannot be read of them is no failure.

    Args:
        found: What was found.
        excluded: Why each of these subjects is not used, by its key.

    Example:
        >>> bad = Failure("sub-01", Path("t1.nii.gz"), "t1.nii.gz: is truncated", "T1w")
        >>> result = without(FoundSubjects((), (bad,)), {"sub-01": "is in no part of the split"})
        >>> result.failures, [str(each) for each in result.ignored]
        ((), ['sub-01: is in no part of the split', 'sub-01: t1.nii.gz: is truncated (not needed)'])
    """
    listed = [Failure(key, None, reason) for key, reason in excluded.items()]
    unneeded = [_not_needed(bad) for bad in found.failures if bad.key in excluded]
    failures = tuple(bad for bad in found.failures if bad.key not in excluded)
    return replace(found, failures=failures, ignored=(*found.ignored, *listed, *unneeded))


def _not_needed(bad: Failure, why: str = "") -> Failure:
    return replace(bad, reason=f"{bad.reason} (not needed{': ' if why else ''}{why})")
