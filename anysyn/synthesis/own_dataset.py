"""The description of a dataset of synthetic images; one of somebody else is left alone."""

from __future__ import annotations

import json
from pathlib import Path

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
