"""The participants of a simulated cohort, as BIDS lists them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anysyn.simulation.subject import Recipe, key_of, person_of, protocols_of, traits_of

AMYLOID = "AV45-PET"


def people(
    recipes: Sequence[Recipe], contrasts: Sequence[str] | None = None
) -> tuple[list[tuple[object, ...]], dict[str, Any]]:
    """Return the rows of participants.tsv, the first its header, and what participants.json says of the columns.

    Whether somebody has amyloid is listed in a cohort that shows it.

    Args:
        recipes: Of the subjects.
        contrasts: Modalities asked for instead of those of the sites.

    Example:
        >>> rows, columns = people([Recipe(0, 0, "A", 2.0)], ["T1w", "AV45-PET"])
        >>> rows[0], rows[1][-1] in ("positive", "negative")
        (('participant_id', 'age', 'sex', 'site', 'amyloid'), True)
    """
    header: tuple[object, ...] = ("participant_id", "age", "sex", "site")
    rows: list[tuple[object, ...]] = [(key_of(one.number), *person_of(one), one.site) for one in recipes]
    columns: dict[str, Any] = {
        "age": {"Description": "Age", "Units": "years"},
        "sex": {"Description": "Sex", "Levels": {"F": "female", "M": "male"}},
        "site": {"Description": "Simulated site, which decides protocols, coverage and diseases"},
    }
    if any(AMYLOID in protocols_of(one, contrasts) for one in recipes):
        header = (*header, "amyloid")
        rows = [(*row, status(one)) for row, one in zip(rows, recipes, strict=True)]
        levels = {"positive": "amyloid in the cortex", "negative": "none"}
        columns["amyloid"] = {"Description": "Simulated amyloid", "Levels": levels}
    return [header, *rows], columns


def status(recipe: Recipe) -> str:
    """Say whether a subject has amyloid.

    Args:
        recipe: Its numbers.
    """
    return "positive" if traits_of(recipe).amyloid else "negative"
