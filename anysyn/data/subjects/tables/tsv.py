"""CSV and TSV files, read row by row: a bad row costs itself, and its line is named."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from anysyn.errors import UserError
from anysyn.files import read_regular
from anysyn.text.escaping import word_of

MISSING = {"", "n/a", "na", "nan", "none", "null", "-"}
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
MOST_BYTES = 100_000_000  # of a table: millions of rows
MOST_COLUMNS = 500
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_SAVE = "save it as CSV UTF-8"


@dataclass(frozen=True)
class Table:
    """What a table says.

    Args:
        columns: Names of the columns, in lower case.
        rows: Cells by column, "" where nothing is known, by line.
        broken: What is wrong with other rows, by line.
        notes: What was understood though it was not written as expected.
    """

    columns: tuple[str, ...]
    rows: Mapping[int, Mapping[str, str]]
    broken: Mapping[int, str]
    notes: tuple[str, ...]


def read_table(path: Path) -> Table:
    r"""Read a table; column names in lower case, cells stripped, rows without any cell left out.

    Raises:
        UserError: If the file is no table: it cannot be read or decoded, has no header, or a column twice.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "people.tsv"
        >>> _ = path.write_text("participant_id\tAge\nsub-01\tn/a\nsub-02\n")
        >>> table = read_table(path)
        >>> table.rows, table.broken[3]
        ({2: {'participant_id': 'sub-01', 'age': ''}}, 'has 1 cell where the header has 2; add what is missing')
    """
    text, notes = _text(path)
    header = next((line for line in text.splitlines() if line.strip()), "")
    expected = "\t" if path.suffix.lower() == ".tsv" else ","
    separator = max(_SEPARATORS, key=lambda mark: (header.count(mark), mark == expected))
    if separator != expected:
        notes.append(f"{path.name}: its columns are separated by {_SEPARATORS[separator]}, and read so")
    lines = _lines(path, text, separator)
    if not lines:
        raise UserError(f"{path}: is no readable table: it is empty; its first line names the columns")
    first, *rest = lines.items()
    columns = tuple(cell.lower() for cell in first[1])
    while columns and not columns[-1]:  # a spreadsheet writes empty columns at the end
        columns = columns[:-1]
    if len(columns) > MOST_COLUMNS:
        raise UserError(
            f"{path}: is no readable table: it has more than {MOST_COLUMNS:,} columns; remove what is not read"
        )
    twice = next((column for column in columns if columns.count(column) > 1), None)
    if twice is not None:
        raise UserError(
            f"{path}: line {first[0]} has the column {twice or 'without a name'!r} twice; rename one of them"
        )
    broken = {line: wrong for line, cells in rest if (wrong := _wrong(cells, columns, separator))}
    rows = {line: dict(zip(columns, map(_known, cells), strict=False)) for line, cells in rest if line not in broken}
    return Table(columns, rows, broken, tuple(notes))


def _text(path: Path) -> tuple[str, list[str]]:
    """Return the text of a file, and what was understood of its encoding."""
    try:
        content = read_regular(path, MOST_BYTES)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; check the path") from error
    if content.startswith(_UTF16) or b"\0" in content:
        raise UserError(f"{path}: is no readable table (line 1 is in UTF-16, or no text at all); {_SAVE}")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        letter = content[error.start : error.start + 1]  # the line itself may be of a file that is no table
        reason = (
            f"line {line} is not UTF-8 but another encoding, perhaps cp1252: {letter.decode('cp1252', 'replace')!r}"
        )
        raise UserError(f"{path}: is no readable table ({reason}); {_SAVE}") from error
    bom = content.startswith(codecs.BOM_UTF8)
    return text, [f"{path.name}: begins with a byte order mark, which is left out"] if bom else []


def _lines(path: Path, text: str, separator: str) -> dict[int, list[str]]:
    """Return the cells of every row that is not empty, by the line on which it ends."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        numbered = ((reader.line_num, [cell.strip() for cell in cells]) for cells in reader)
        return {line: cells for line, cells in numbered if any(cells)}
    except csv.Error as error:
        reason = f"line {reader.line_num}: {error}"
        raise UserError(
            f"{path}: is no readable table ({reason}); look for a quotation mark without its pair"
        ) from error


def _wrong(cells: list[str], columns: tuple[str, ...], separator: str) -> str:
    """Return what is wrong with the length of a row; empty cells at its end are no matter."""
    count, width = len(cells), len(columns)
    if count < width:
        return f"has {_cells(count)} where the header has {width}; add what is missing"
    if any(cells[width:]):
        quote = " and quote cells with a decimal comma" if separator == "," else ""
        return f"has {_cells(count)} where the header has {width}; remove what is too much{quote}"
    return ""


def _cells(count: int) -> str:
    return f"{count} cell{'s' * (count != 1)}"


def _known(cell: str) -> str:
    return "" if cell.lower() in MISSING else word_of(cell)  # a name that looks like a formula has an apostrophe
