"""Which of several files, or runs, of one contrast is used: the plainer name, then the first run of one scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

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


class Choice(NamedTuple):
    """What is used of several files.

    Args:
        first: The file that is used if it has no rivals.
        rivals: Files of which nothing says that the first one is to be used rather than them.
        others: All other files.
    """

    first: Candidate
    rivals: tuple[Candidate, ...]
    others: tuple[Candidate, ...]


def choose(candidates: Sequence[Candidate]) -> Choice:
    """Return which of several files is used: what is asked for, then the plainest name, then the lowest run.

    Example:
        >>> first, second = (Candidate(Path(f"T1w_{number}.nii"), "its name", run=number) for number in (1, 2))
        >>> choose([second, first]).first.path.name, choose([second, first]).rivals
        ('T1w_1.nii', ())
        >>> another = Candidate(Path("T1w_b.nii"), "its name", run=1)
        >>> [rival.path.name for rival in choose([first, another]).rivals]
        ['T1w_b.nii']
    """
    first, *others = sorted(candidates, key=lambda one: (one.plainness, one.run, one.path))
    rivals = tuple(one for one in others if _rival(first, one))
    return Choice(first, rivals, tuple(one for one in others if one not in rivals))


def _rival(first: Candidate, other: Candidate) -> bool:
    """Return whether nothing says that the first one is to be used rather than the other."""
    if other.plainness != first.plainness or _same_file(first, other):
        return False
    return other.scan != first.scan or other.run == first.run


def _same_file(first: Candidate, other: Candidate) -> bool:
    return first.path.resolve() == other.path.resolve()


def why(first: Candidate, other: Candidate, name: str) -> str:
    """Return why a file is used rather than another one of this modality."""
    if _same_file(first, other):
        return f"is not used; {first.path.name} is the same file"
    if other.asked != first.asked:
        return f"is not used; {first.path.name} is the {name} that is asked for"
    if other.extra != first.extra:
        return f"is not used; {first.path.name} is the plainer name of a {name}"
    return f"is not used; {first.path.name} is the first run of {name}"


def all_of(files: Sequence[Candidate]) -> str:
    """Return the paths of files for a message, with their lines in a table."""
    alike = len({one.path.name for one in files}) < len(files)
    paths = [str(one.path) if alike or not i else one.path.name for i, one in enumerate(files)]
    shown = [f"{path} (line {one.line})" if one.line else path for path, one in zip(paths, files, strict=True)]
    if len(shown) > _MOST_NAMED:
        return ", ".join(shown[:_MOST_NAMED]) + f" and {len(shown) - _MOST_NAMED} more"
    return ", ".join(shown[:-1]) + f" and {shown[-1]}"
