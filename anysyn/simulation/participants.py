"""The participants of a simulated cohort, as BIDS lists them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anysyn.simulation.simulated_subject import SimulatedSubject, key_of, person_of, protocols_of, traits_of

AMYLOID = "AV45-PET"


def people(
    subjects: Sequence[SimulatedSubject], contrasts: Sequence[str] | None = None
) -> tuple[list[tuple[object, ...]], dict[str, Any]]:
    """Return the rows of participants.tsv, header first, and the descriptions of its columns for participants.json.

    The column of amyloid is there only if the cohort has images that show it. ``contrasts`` are the modalities instead
    of the coverage of the centres.

    Example:
        >>> rows, columns = people([SimulatedSubject(0, 0, "A", 2.0)], ["T1w", "AV45-PET"])
        >>> rows[0], rows[1][-1] in ("positive", "negative")
        (('participant_id', 'age', 'sex', 'site', 'amyloid'), True)
    """
    header: tuple[object, ...] = ("participant_id", "age", "sex", "site")
    rows: list[tuple[object, ...]] = [
        (key_of(subject.number), *person_of(subject), subject.centre) for subject in subjects
    ]
    columns: dict[str, Any] = {
        "age": {"Description": "Age", "Units": "years"},
        "sex": {"Description": "Sex", "Levels": {"F": "female", "M": "male"}},
        "site": {"Description": "Simulated site, which decides protocols, coverage and diseases"},
    }
    if any(AMYLOID in protocols_of(subject, contrasts) for subject in subjects):
        header = (*header, "amyloid")
        positive = [traits_of(subject).amyloid > 0 for subject in subjects]
        rows = [(*row, "positive" if one else "negative") for row, one in zip(rows, positive, strict=True)]
        levels = {"positive": "amyloid in the cortex", "negative": "none"}
        columns["amyloid"] = {"Description": "Simulated amyloid", "Levels": levels}
    return [header, *rows], columns
