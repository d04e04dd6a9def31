"""The table of an inventory: by subject and contrast the file and its sidecars, and what was left out and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from anysyn.data.inventory.inventory import Inventory
from anysyn.data.inventory.subjects_csv import mask_column
from anysyn.data.inventory.summary import summary
from anysyn.data.records import Failure, Subject
from anysyn.text.escaping import one_line

REFUSED, UNUSED = "cannot use", "not used"


class Row(NamedTuple):
    """A line of the table: one image, one mask, or one file that was left out."""

    subject: str
    part: str
    contrast: str
    file: str
    known_by: str
    sidecars: str


HEAD = Row("subject", "part", "contrast", "file", "known by", "sidecars")


def table(inventory: Inventory, *, most: int | None = 20, listed_in: Path | None = None) -> Iterator[str]:
    r"""Yield the lines of the table, and of the summary below it.

    Args:
        inventory: What was read.
        most: Subjects that are shown; None for all.
        listed_in: The CSV that lists all of it.

    Example:
        >>> from anysyn.data.records import FoundSubjects
        >>> files = {"T1w": Path("IXI/01/t1.nii.gz"), "T2w": Path("IXI/01/t2.nii.gz")}
        >>> subject = Subject("01", "IXI", files, {}, {}, sidecars={"T1w": (Path("IXI/01/t1.json"),)})
        >>> inventory = Inventory(root=Path("IXI"), found=FoundSubjects((subject,), ()))
        >>> print(*list(table(inventory))[:3], sep="\n")
        subject  contrast  file          sidecars
        01       T1w       01/t1.nii.gz  01/t1.json
                 T2w       01/t2.nii.gz
    """
    by_subject = {subject.key: subject for subject in inventory.subjects}
    cases: dict[str, list[tuple[str, Failure]]] = defaultdict(list)
    for title, listed in ((REFUSED, inventory.failures), (UNUSED, inventory.ignored)):
        for case in listed:
            cases[case.key].append((title, case))
    keys = sorted({*by_subject, *cases})
    shown = keys if most is None else keys[:most]
    blocks = [_block(inventory, by_subject.get(key), key, cases[key]) for key in shown]
    yield from _aligned([row for block in blocks for row in block])
    if len(shown) < len(keys):
        yield f"and {len(keys) - len(shown)} more subjects: show them with --all, or write them with --csv FILE"
    yield ""
    yield from summary(inventory, listed_in=listed_in)


def _block(inventory: Inventory, subject: Subject | None, key: str, cases: Sequence[tuple[str, Failure]]) -> list[Row]:
    """Return the rows of one subject; its name stands in the first one only."""
    rows = [] if subject is None else _files(inventory, subject)
    rows += [Row("", "", title, inventory.below(case.reason), "", "") for title, case in cases]
    part = inventory.parts.get(key, "-") if inventory.parts else ""
    return [row._replace(subject=key, part=part) if row is rows[0] else row for row in rows]


def _files(inventory: Inventory, subject: Subject) -> list[Row]:
    images = [
        Row("", "", name, inventory.below(path), subject.reasons.get(name, ""), _sidecars(inventory, subject, name))
        for name, path in inventory.shown(subject).items()
    ]
    return images + [
        Row("", "", mask_column(name), inventory.below(path), "", "") for name, path in subject.masks.items()
    ]


def _sidecars(inventory: Inventory, subject: Subject, name: str) -> str:
    return ", ".join(inventory.below(path) for path in subject.sidecars.get(name, ()))


def _aligned(rows: Sequence[Row]) -> Iterator[str]:
    """Align the columns that say something; a reason may be long and does not widen the column of the files."""
    shown = [n for n in range(len(HEAD)) if any(row[n] for row in rows)]
    lines = [HEAD, *(Row(*map(one_line, row)) for row in rows)]
    files = [line for line in lines if line.contrast not in (REFUSED, UNUSED)]
    widths = [max(len(line[n]) for line in (files if HEAD[n] == HEAD.file else lines)) for n in shown]
    for line in lines:
        yield "  ".join(line[n].ljust(width) for n, width in zip(shown, widths, strict=True)).rstrip()
