"""Some of the people of a cohort, by the labels that BIDS gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from anysyn.data.records import FoundSubjects
from anysyn.errors import UserError
from anysyn.registry import suggest

PREFIX = "sub-"


def of_participants(found: FoundSubjects, labels: Sequence[str], root: Path) -> FoundSubjects:
    """Return what was found of some people, with all their sessions, and what was left out of them.

    Args:
        found: What was found of all.
        labels: Their labels, with ``sub-`` before it or without.
        root: Where they were looked for.

    Raises:
        UserError: If nothing was found of one of them.

    Example:
        >>> from anysyn.data.records import Subject
        >>> people = [Subject(key, "", {}, {}, {}) for key in ("sub-01_ses-1", "sub-01_ses-2", "sub-02")]
        >>> [subject.key for subject in of_participants(FoundSubjects(tuple(people), ()), ["01"], Path()).subjects]
        ['sub-01_ses-1', 'sub-01_ses-2']
    """
    wanted = {label.removeprefix(PREFIX) for label in labels}
    known = {label_of(subject.key) for subject in found.subjects} | {label_of(case.key) for case in found.failures}
    for label in sorted(wanted - known):
        raise UserError(f"{root}: no participant {label!r}; {suggest(label, known)}")
    subjects = tuple(subject for subject in found.subjects if label_of(subject.key) in wanted)
    failures, ignored = (
        tuple(case for case in cases if label_of(case.key) in wanted) for cases in (found.failures, found.ignored)
    )
    return replace(found, subjects=subjects, failures=failures, ignored=ignored)


def label_of(key: str) -> str:
    """Return the label of the person of a subject or session.

    Example:
        >>> label_of("sub-01_ses-1"), label_of("0042")
        ('01', '0042')
    """
    return key.partition("_ses-")[0].removeprefix(PREFIX)
