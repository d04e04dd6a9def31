"""The subjects that are to be completed: who cannot be, and why; who lacks nothing; which files are not used."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from anysyn.data.inventory.inventory import Inventory
from anysyn.data.records import Failure
from anysyn.data.subjects.layouts.bids_labels import Labels
from anysyn.synthesis.completion.missing_contrasts import Missing, Trained
from anysyn.synthesis.loaded_run import LoadedRun
from anysyn.synthesis.own_dataset import check_apart, check_images_apart, check_own
from anysyn.text.counts import counted


def read_cohort(
    run: LoadedRun,
    root: Path,
    out: Path,
    trained: Trained,
    *,
    participants: Sequence[str] | None,
    sessions: Sequence[str] | None,
    bids: Labels,
) -> Inventory:
    """Return what there is of the subjects, none of whose images may lie in the output.

    Args:
        run: The run.
        root: The data.
        out: The output.
        trained: Contrasts that are used; a file of another one that cannot be read is no failure.
        participants: Labels of the people; all if None.
        sessions: Labels of their sessions; all if None.
        bids: Labels of the files to use.

    Raises:
        UserError: If the output lies among the data or is somebody else's, or the data cannot be read.
    """
    check_apart(root, out)
    check_own(out)
    names = [*trained.sources, *trained.targets]
    inventory = run.inventory(root, "all", names, participants, sessions, bids)
    for image in (path for subject in inventory.subjects for path in subject.images.values()):
        check_images_apart(image, out)
    return inventory


def not_to_complete(inventory: Inventory, trained: Trained) -> list[Failure]:
    """List who cannot be completed: an image that is there and cannot be used must not pass for one that is missing.

    Args:
        inventory: What was read.
        trained: Contrasts that are used.

    Example:
        >>> from anysyn.data.records import FoundSubjects, Subject
        >>> bad = Failure("sub-01", Path("t2.nii.gz"), "t2.nii.gz: is truncated", "T2w")
        >>> found = FoundSubjects((Subject("sub-01", "", {"T1w": Path("t1.nii.gz")}, {}, {}),), (bad,))
        >>> print(*not_to_complete(Inventory(root=Path(), found=found), Trained(["T1w", "T2w"], ["T2w", "FLAIR"], 2)))
        sub-01: t2.nii.gz: is truncated; to complete it without T2w: --sources T1w --targets FLAIR
    """
    has = {subject.key: subject.images for subject in inventory.subjects}
    bad = [*inventory.failures, *_refused(inventory, trained)]
    lost = {key: {case.modality for case in bad if case.key == key} for key in {case.key for case in bad}}
    return [_with_way_out(case, lost[case.key], has.get(case.key, {}), trained) for case in bad]


def _refused(inventory: Inventory, trained: Trained) -> Iterator[Failure]:
    """Yield who has a contrast, but not with the labels that are asked for."""
    has = {subject.key: subject.images for subject in inventory.subjects}
    names, failed = {*trained.sources, *trained.targets}, {case.key for case in inventory.failures}
    said = set[tuple[str, str]]()
    for case in inventory.ignored:
        name = case.modality or ""
        usable = case.path is not None and case.instead is None and name in names
        if usable and case.key in has and name not in has[case.key] and case.key not in failed:
            if (case.key, name) not in said:
                yield replace(case, reason=f"has no {name} with the labels that are asked for; {case.reason}")
            said.add((case.key, name))


def _with_way_out(case: Failure, lost: Collection[str | None], has: Mapping[str, Path], trained: Trained) -> Failure:
    """Say how a subject is completed without what cannot be used, if it has another source."""
    remedy = without(trained, [name for name in lost if name], has)
    return replace(case, reason=f"{case.reason}; {remedy}") if case.modality and remedy else case


def without(trained: Trained, lost: Collection[str], has: Collection[str]) -> str:
    """Return how a subject is completed without some of its contrasts; "" if it cannot be.

    Args:
        trained: Contrasts that are used.
        lost: Those that cannot be used of it.
        has: Those that it has.

    Example:
        >>> without(Trained(["T1w", "T2w"], ["T2w", "FLAIR"], 2), ["T2w"], ["T1w", "T2w"])
        'to complete it without T2w: --sources T1w --targets FLAIR'
        >>> without(Trained(["T1w", "T2w"], ["T2w", "FLAIR"], 2), ["T2w"], ["T2w"])
        ''
    """
    sources, targets = ([name for name in names if name not in lost] for names in (trained.sources, trained.targets))
    if not lost or not set(sources) & set(has) or not targets:
        return ""
    named = ", ".join(sorted(lost))
    return f"to complete it without {named}: --sources {','.join(sources)} --targets {','.join(targets)}"


def choices(inventory: Inventory) -> tuple[Failure, ...]:
    """List the files of the subjects that are not used, and why."""
    keys = {subject.key for subject in inventory.subjects} | {case.key for case in inventory.failures}
    return tuple(
        replace(case, reason=inventory.below(case.reason))
        for case in inventory.ignored
        if case.key in keys and case.path is not None
    )


def to_make(gaps: Sequence[Missing], there: Collection[Path]) -> Iterator[str]:
    """Yield a line that says what will be made, if anything.

    Args:
        gaps: What the subjects lack.
        there: Images that are there already.
    """
    images = [[name for name, path in gap.files.items() if path not in there] for gap in gaps]
    names, count = dict.fromkeys(name for each in images for name in each), sum(map(len, images))
    if count:
        people = counted(sum(map(bool, images)), "subject")
        yield f"making {', '.join(names)}: {counted(count, 'image')} of {people}"
