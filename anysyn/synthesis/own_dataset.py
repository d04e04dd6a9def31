"""Where a dataset of synthetic images may lie, and its description; one of somebody else is left alone."""

from __future__ import annotations

import json
from pathlib import Path

from anysyn.data.subjects.bids import is_bids
from anysyn.errors import UserError
from anysyn.files import write_json
from anysyn.synthesis.written_images import NOTICE
from anysyn.versions import versions

DESCRIPTION = "dataset_description.json"


def check_own(out: Path) -> None:
    """Refuse to add to a dataset that somebody else describes."""
    path = out / DESCRIPTION
    if not path.exists():
        return
    try:
        authors = [author["Name"] for author in json.loads(path.read_text(encoding="utf-8"))["GeneratedBy"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        authors = []
    if "anysyn" not in authors:
        raise UserError(
            f"--out {out} is a dataset of somebody else ({DESCRIPTION} does not name anysyn), where synthetic images "
            "would pass for its own; choose a folder of its own"
        )


def describe(out: Path) -> None:
    """Write the description of a BIDS derivative, if there is none."""
    path = out / DESCRIPTION
    if not path.exists():
        by = {"Name": "anysyn", "Version": versions()["anysyn"]}
        about = {"Name": f"anysyn: {NOTICE}", "BIDSVersion": "1.9.0", "DatasetType": "derivative"}
        write_json(path, about | {"GeneratedBy": [by]})


def check_apart(data: Path, out: Path) -> None:
    """Refuse a folder in which synthetic images would later be looked for as real ones."""
    whole, inner = (data if data.is_dir() else data.parent).resolve(), out.resolve()
    if whole != inner and whole.is_relative_to(inner):
        raise UserError(
            f"--out {out} holds {data}, so synthetic images would lie among real ones; choose a folder beside"
        )
    if not data.is_dir():
        if whole == inner:
            raise UserError(
                f"--out {out} is the folder of {data}; choose a folder of its own, for example {out / 'completed'}"
            )
        return
    if not inner.is_relative_to(whole):
        return
    bids = is_bids(data)
    if not (bids and inner.relative_to(whole).parts[:1] == ("derivatives",)):
        where = f"{data / 'derivatives' / 'anysyn'} or a folder outside" if bids else "a folder outside"
        raise UserError(f"--out {out} lies in {data}, where synthetic images would pass for real ones; choose {where}")
