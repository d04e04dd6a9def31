"""The labels of people and examinations: given or counted, never taken from a name or an identifier."""

from __future__ import annotations

import re
from collections.abc import Sequence

from anysyn.scans.dicom.errors import DicomError
from anysyn.scans.dicom.headers import SourceSeries

LABEL = re.compile(r"(?:sub-)?([A-Za-z0-9]+)")


def labels_of(series: Sequence[SourceSeries], subject: str | None = None) -> dict[SourceSeries, tuple[str, str | None]]:
    """Return the subject of each series, and its session if the person was examined on several days.

    Args:
        series: In the order in which people and examinations are counted.
        subject: Label of the one person; counted by default.

    Raises:
        DicomError: If a label is given for several people, or is none.
    """
    people = list(dict.fromkeys(one.person for one in series))
    if subject is not None and len(people) > 1:
        raise DicomError(f"{subject} is given for {len(people)} people; leave it out, or name the folder of one")
    labels = {person: f"sub-{number:02}" for number, person in enumerate(people, 1)}
    if subject is not None:
        if (word := LABEL.fullmatch(subject)) is None:
            raise DicomError(f"subject {subject!r} is no label; write letters and digits, such as sub-01")
        labels = {people[0]: f"sub-{word[1]}"}
    studies = {person: list(dict.fromkeys(one.study for one in series if one.person == person)) for person in people}
    return {
        one: (
            labels[one.person],
            f"ses-{studies[one.person].index(one.study) + 1}" if len(studies[one.person]) > 1 else None,
        )
        for one in series
    }
