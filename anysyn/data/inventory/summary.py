"""The summary of an inventory, a few lines for a terminal: subjects, contrasts, what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from anysyn.data.inventory.inventory import Inventory
from anysyn.data.inventory.subjects_csv import left_out_path
from anysyn.data.records import Failure
from anysyn.data.subjects.splits import PARTS
from anysyn.text.counts import counted
from anysyn.text.escaping import one_line

MOST = 3  # cases that are named; the others are counted


def summary(inventory: Inventory, *, listed_in: Path | None = None) -> Iterator[str]:
    r"""Yield the lines of the summary.

    Args:
        inventory: What was read.
        listed_in: The CSV that lists all of it.

    Example:
        >>> from anysyn.data.records import FoundSubjects, Subject
        >>> files = {"T1w": Path("IXI/01/t1.nii.gz"), "T2w": Path("IXI/01/t2.nii.gz")}
        >>> scout = Failure("01", Path("IXI/01/scout.nii.gz"), "IXI/01/scout.nii.gz: is a scout")
        >>> found = FoundSubjects((Subject("01", "IXI", files, {}, {}),), (), (scout,))
        >>> print(*summary(Inventory(root=Path("IXI"), found=found)), sep="\n")
        IXI: 1 subject, dataset IXI
          T1w 1, T2w 1
          not used: 1
            01/scout.nii.gz: is a scout
    """
    yield from map(one_line, _lines(inventory, listed_in))


def _lines(inventory: Inventory, listed_in: Path | None) -> Iterator[str]:
    layout = f" ({inventory.found.layout})" if inventory.found.layout else ""
    yield f"{inventory.root}{layout}: {_people(inventory)}"
    others = inventory.not_needed()
    yield f"  {_counted(inventory.counts()) or 'no image'}" + (f"; not needed: {_counted(others)}" if others else "")
    if masks := Counter(name for subject in inventory.subjects for name in subject.masks):
        yield f"  masks: {_counted(masks)}"
    if inventory.parts:
        parts = Counter(inventory.parts.values())
        yield f"  {_counted({part: parts[part] for part in PARTS if parts[part] or parts['train']})}"
    yield from _first("cannot be used", inventory.failures, inventory)
    yield from _first("another file of the same contrast is used", inventory.found.choices, inventory)
    yield from _first("not used", [case for case in inventory.ignored if case.instead is None], inventory)
    yield from (f"  note: {inventory.below(note)}" for note in inventory.found.notes)
    if listed_in is not None:
        yield f"  listed in full: {listed_in}; what is left out, and why: {left_out_path(listed_in).name}"


def _people(inventory: Inventory) -> str:
    subjects = inventory.subjects
    people = {subject.person or subject.key for subject in subjects}
    datasets = Counter(subject.dataset for subject in subjects)
    several = (
        f" of {'one person' if len(people) == 1 else f'{len(people)} people'}" if len(people) < len(subjects) else ""
    )
    named = f"dataset {next(iter(datasets))}" if len(datasets) == 1 else f"{len(datasets)} datasets"
    listed = f" ({_counted(dict(sorted(datasets.items())))})" if 1 < len(datasets) <= 2 * MOST else ""
    if not subjects:
        return "no subject"
    return f"{counted(len(subjects), 'subject')}{several}, {named}{listed}"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _first(title: str, cases: Sequence[Failure], inventory: Inventory) -> Iterator[str]:
    if cases:
        yield f"  {title}: {len(cases)}"
        yield from (f"    {_case(case, inventory)}" for case in cases[:MOST])
    if len(cases) > MOST:
        yield f"    and {len(cases) - MOST} more"


def _case(case: Failure, inventory: Inventory) -> str:
    reason = inventory.below(case.reason)
    return reason if reason.startswith(case.key) else f"{case.key}: {reason}"
