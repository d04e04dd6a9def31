"""Some of the people of a cohort, and some of their sessions, by the labels that BIDS gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from anysyn.data.records import Failure, FoundSubjects
from anysyn.data.subjects.layouts.bids_below import only_dataset
from anysyn.errors import UserError
from anysyn.registry import suggest
from anysyn.text.several import several

PREFIX, SESSION = "sub-", "ses-"


def of_people(
    found: FoundSubjects, participants: str | Sequence[str] | None, sessions: str | Sequence[str] | None, root: Path
) -> FoundSubjects:
    """Return what was found of some people and sessions; None is all of them.

    Args:
        found: What was found of all.
        participants: Labels of the people.
        sessions: Labels of their sessions.
        root: Where they were looked for.

    Raises:
        UserError: If a person is not there, or nobody has a session.

    Example:
        >>> of_people(FoundSubjects((), ()), None, None, Path()).subjects
        ()
    """
    some = found if participants is None else of_participants(found, participants, root)
    return some if sessions is None else of_sessions(some, sessions, root)


def of_participants(found: FoundSubjects, labels: str | Sequence[str], root: Path) -> FoundSubjects:
    """Return what was found of some people, with all their sessions, and what was left out of them.

    Who has a folder, but no image that is read, is a failure.

    Args:
        found: What was found of all.
        labels: Their labels, or one, with ``sub-`` before it or without.
        root: Where they were looked for.

    Raises:
        UserError: If there is nobody of one of the labels.

    Example:
        >>> from anysyn.data.records import Subject
        >>> people = [Subject(key, "", {}, {}, {}) for key in ("sub-01_ses-1", "sub-01_ses-2", "sub-02")]
        >>> [subject.key for subject in of_participants(FoundSubjects(tuple(people), ()), ["01"], Path()).subjects]
        ['sub-01_ses-1', 'sub-01_ses-2']
    """
    wanted = {label.removeprefix(PREFIX) for label in several(labels)}
    known = {label_of(key) for key in _keys(found)}
    unknown = sorted(wanted - known)
    there = _folders(root) if unknown else set()
    for label in unknown:
        if label not in there:
            raise UserError(f"{root}: no participant {label!r}; {suggest(label, known | there)}")
    empty = [Failure(f"{PREFIX}{label}", None, _nothing(found, label)) for label in unknown]
    some = _of(found, lambda key: label_of(key) in wanted)
    return replace(some, failures=(*some.failures, *empty))


def of_sessions(found: FoundSubjects, labels: str | Sequence[str], root: Path) -> FoundSubjects:
    """Return what was found of some sessions, of all people who have them.

    Args:
        found: What was found of all sessions.
        labels: Their labels, with ``ses-`` before it or without.
        root: Where they were looked for.

    Raises:
        UserError: If nobody has one of them.

    Example:
        >>> from anysyn.data.records import Subject
        >>> people = [Subject(key, "", {}, {}, {}) for key in ("sub-01_ses-1", "sub-01_ses-2", "sub-02")]
        >>> [subject.key for subject in of_sessions(FoundSubjects(tuple(people), ()), ["ses-2"], Path()).subjects]
        ['sub-01_ses-2']
    """
    wanted = {label.removeprefix(SESSION) for label in several(labels)}
    known = {session_of(key) for key in _keys(found)} - {""}
    for label in sorted(wanted - known):
        hint = suggest(label, known) if known else "nobody has sessions here; leave the session out"
        raise UserError(f"{root}: no session {label!r}; {hint}")
    some = _of(found, lambda key: session_of(key) in wanted)
    people = {label_of(key) for key in _keys(some)}
    without = sorted({label_of(subject.key) for subject in found.subjects} - people)
    asked = " or ".join(f"{SESSION}{label}" for label in sorted(wanted))
    notes = [f"{PREFIX}{label}: has no {asked}, so it is left out" for label in without]
    return replace(some, notes=(*some.notes, *notes))


def label_of(key: str) -> str:
    """Return the label of the person of a subject, a session, or a folder of theirs.

    Example:
        >>> label_of("sub-01_ses-1"), label_of("sub-01/func"), label_of("0042")
        ('01', '01', '0042')
    """
    person = key.partition("/")[0] if key.startswith(PREFIX) else key
    return person.partition(f"_{SESSION}")[0].removeprefix(PREFIX)


def session_of(key: str) -> str:
    """Return the label of the session of a subject; "" if it has none.

    Example:
        >>> session_of("sub-01_ses-1"), session_of("sub-01")
        ('1', '')
    """
    return key.partition(f"_{SESSION}")[2]


def _keys(found: FoundSubjects) -> set[str]:
    """Return the keys of the subjects that were found, and of those that cannot be used."""
    return {subject.key for subject in found.subjects} | {case.key for case in found.failures}


def _of(found: FoundSubjects, wanted: Callable[[str], bool]) -> FoundSubjects:
    """Return what was found of the keys that are wanted."""
    return replace(
        found,
        subjects=tuple(subject for subject in found.subjects if wanted(subject.key)),
        failures=tuple(case for case in found.failures if wanted(case.key)),
        ignored=tuple(case for case in found.ignored if wanted(case.key)),
    )


def _folders(root: Path) -> set[str]:
    """Return the labels of the people who have a folder in a BIDS dataset."""
    if not root.is_dir():
        return set()
    return {path.name.removeprefix(PREFIX) for path in (only_dataset(root) or root).glob(f"{PREFIX}*/")}


def _nothing(found: FoundSubjects, label: str) -> str:
    """Return why nothing is read of a person."""
    first = next((case.reason for case in found.ignored if label_of(case.key) == label), "")
    return "has no image that anysyn reads" + (f"; {first}" if first else "")
