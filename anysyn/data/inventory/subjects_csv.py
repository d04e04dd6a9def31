"""The CSV of an inventory, which `data.root` reads back, and beside it the CSV of what was left out."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from anysyn.data.inventory.inventory import Inventory
from anysyn.data.records import Subject
from anysyn.data.volumes.formats import sidecar_path
from anysyn.errors import UserError
from anysyn.files import write_text
from anysyn.text.escaping import cell

ABOUT = ("subject", "person", "dataset", "age", "sex", "split")
LEFT_OUT = ("subject", "modality", "file", "used", "reason")


def left_out_path(path: Path) -> Path:
    """Return the path of the CSV of what was left out, which lies beside the CSV of the subjects.

    Example:
        >>> left_out_path(Path("run/subjects.csv")).as_posix()
        'run/subjects-left-out.csv'
    """
    return path.with_name(f"{path.stem}-left-out{path.suffix}")


def write_subjects_csv(inventory: Inventory, path: Path, *, overwrite: bool = False) -> None:
    """Write the subjects with all their files, and what was left out, as two CSV files.

    The first has a row for each subject and a column for each modality and each mask; as `data.root` it gives the same
    subjects again. Paths below its folder are relative to it, others absolute. Where the sidecars of an image are not
    the file of the same name beside it, a column ``T1w sidecars`` names them, the one that takes precedence last.

    Args:
        inventory: What was read.
        path: The first file, ``.csv``.
        overwrite: Whether lists of an earlier call may be replaced; no other file ever is.

    Raises:
        UserError: If the path is no CSV, or one of the files exists and may not be replaced, is no list of anysyn's, or
            is what the subjects were read from.
        OSError: If a file cannot be written.
    """
    if path.suffix.lower() != ".csv":
        raise UserError(f"{path}: the list of subjects is a CSV file; call it {path.with_suffix('.csv').name}")
    for file, header in ((path, ABOUT), (left_out_path(path), LEFT_OUT)):
        if file.exists() and not overwrite:
            raise UserError(f"{file} exists; allow replacing it with --overwrite, or choose another name")
        _check_own(file, header, inventory.root)
    rows = [_row(subject, inventory.parts.get(subject.key), path.parent) for subject in inventory.subjects]
    modalities = [*inventory.counts(), *inventory.not_needed()]
    masks = sorted({name for subject in inventory.subjects for name in subject.masks})
    columns = [*modalities, *map(mask_column, masks), *map(sidecars_column, modalities)]
    used = [column for column in columns if any(row.get(column) for row in rows)]
    _write(path, _csv([*ABOUT, *used], rows))
    _write(left_out_path(path), _csv(LEFT_OUT, _left_out(inventory)))


def _check_own(path: Path, columns: Sequence[str], root: Path) -> None:
    """Refuse to replace a table that is no list of anysyn's, or that the subjects were read from."""
    if not path.exists():
        return
    if root.exists() and path.samefile(root):
        raise UserError(f"{path} is what the subjects were read from, so it stays as it is; choose another name")
    with path.open("rb") as file:
        first = file.read(len(",".join(columns)))
    if first != ",".join(columns).encode():
        raise UserError(f"{path} is no list of anysyn, so it stays as it is; move it away, or choose another name")


def _write(path: Path, text: str) -> None:
    """Write a list unless it is there already, so that a second call of a command leaves what is done as it is."""
    if not (path.is_file() and path.read_bytes() == text.encode()):
        write_text(path, text)


def mask_column(name: str) -> str:
    """Return the column of a mask.

    Example:
        >>> mask_column("lesion"), mask_column("mask")
        ('lesion_mask', 'mask')
    """
    return name if name.lower().endswith("mask") else f"{name}_mask"


def sidecars_column(name: str) -> str:
    """Return the column of the sidecars of a modality.

    Example:
        >>> sidecars_column("T1w")
        'T1w sidecars'
    """
    return f"{name} sidecars"


def _row(subject: Subject, part: str | None, folder: Path) -> dict[str, str]:
    person = "" if subject.person in ("", subject.key) else subject.person
    row = {"subject": subject.key, "person": person, "dataset": subject.dataset, "split": part or subject.split or ""}
    row |= _traits(subject)
    row |= {name: _place(path, folder) for name, path in subject.images.items()}
    row |= {mask_column(name): _place(path, folder) for name, path in subject.masks.items()}
    return row | {sidecars_column(name): _sidecars(subject, name, folder) for name in subject.images}


def _traits(subject: Subject) -> dict[str, str]:
    """Return age and sex if all images of the subject agree on them; otherwise their sidecars say them."""
    records = subject.acquisitions.values()
    ages, sexes = ({getattr(record, name) for record in records} for name in ("age_years", "sex"))
    return {
        name: str(value).removesuffix(".0")
        for name, values in (("age", ages), ("sex", sexes))
        if len(values) == 1 and (value := next(iter(values))) is not None
    }


def _sidecars(subject: Subject, name: str, folder: Path) -> str:
    read, beside = subject.sidecars.get(name, ()), sidecar_path(subject.images[name])
    return "" if read in ((), (beside,)) else " | ".join(_place(path, folder) for path in read)


def _place(path: Path, folder: Path) -> str:
    whole, base = os.path.abspath(path), os.path.abspath(folder)
    return os.path.relpath(whole, base) if Path(whole).is_relative_to(base) else whole


def _left_out(inventory: Inventory) -> list[dict[str, str]]:
    return [
        {
            "subject": case.key,
            "modality": case.modality or "",
            "file": "" if case.path is None else os.path.abspath(case.path),
            "used": used,
            "reason": case.reason,
        }
        for used, cases in (("cannot be", inventory.failures), ("no", inventory.ignored))
        for case in cases
    ]


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({column: cell(word) for column, word in row.items()} for row in rows)
    return text.getvalue()
