"""Label maps of regions, ``*_dseg.nii.gz``, and the table of their numbers, as BIDS derivatives have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anysyn.data.subjects.tables.tsv import read_table
from anysyn.errors import UserError

DSEG = "dseg"  # suffix of the files, and the name of the map among the masks of a subject
LEVELS = 4  # folders above a map in which its table may lie: derivatives/masks/sub-01/ses-1/anat
SYNONYMS = {"grey": {"gray", "gm"}, "white": {"wm"}, "fluid": {"csf"}}  # the short ones are BIDS's


def table_of(path: Path) -> Path | None:
    """Return the table of a label map: ``<stem>.tsv`` beside it, or ``dseg.tsv`` there or above; None if there is none.

    Args:
        path: The map.

    Example:
        >>> table_of(Path("nowhere/sub-01_dseg.nii.gz")) is None
        True
    """
    return next((table for table in _tables(path) if table.is_file()), None)


def _tables(path: Path) -> Iterator[Path]:
    yield path.with_name(path.name.partition(".")[0] + ".tsv")
    yield from (folder / f"{DSEG}.tsv" for folder in list(path.parents)[:LEVELS])


def label_numbers(path: Path) -> dict[str, int]:
    """Return the number of each region of a label map, by its name.

    GM, WM and CSF, as BIDS abbreviates, are also ``grey``, ``white`` and ``fluid``.

    Args:
        path: The map.

    Raises:
        UserError: If it has no table, or the table has no columns ``index`` and ``name`` of whole numbers and words.

    Example:
        >>> label_numbers(Path("nowhere/sub-01_dseg.nii.gz"))
        Traceback (most recent call last):
        anysyn.errors.UserError: sub-01_dseg.nii.gz: no table says what its numbers mean; put a dseg.tsv (index, name) \
beside it
    """
    table = table_of(path)
    if table is None:
        raise UserError(f"{path.name}: no table says what its numbers mean; put a dseg.tsv (index, name) beside it")
    try:
        numbers = {row["name"]: int(row["index"]) for row in read_table(table).rows.values()}
    except (KeyError, ValueError) as error:
        raise UserError(f"{table}: needs the columns index and name, with whole numbers in index") from error
    same = {own: numbers[word] for own, words in SYNONYMS.items() for word in numbers if word.lower() in words}
    return {**same, **numbers}
