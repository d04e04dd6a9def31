"""A dataset of synthetic images: where it may lie, so that they never lie among real ones, and its description."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from anysyn.data.subjects.layouts.bids import is_bids
from anysyn.data.subjects.layouts.bids_description import DESCRIPTION, OURS, is_made_by_anysyn
from anysyn.errors import UserError
from anysyn.files import write_json, write_text
from anysyn.synthesis.bids_entries import RAW, dataset_of
from anysyn.synthesis.notice import NOTICE
from anysyn.synthesis.written_images import is_synthetic
from anysyn.versions import versions

README = """Synthetic images, not for clinical use
======================================

anysyn synthesized every image of this dataset from the scans of the same person; none was acquired. The JSON beside an
image names its sources, the weights of the network and their hashes.
"""
IGNORED = """/subjects.csv
/subjects-left-out.csv
/*.html
/prepared
*_desc-error*
*_desc-interval*
*_desc-depends*
"""


def check_apart(data: Path, out: Path) -> None:
    """Refuse a folder in which synthetic images would later be looked for as real ones.

    Args:
        data: The data, a folder or a table.
        out: The output of the completion.

    Raises:
        UserError: If the output holds the data, or lies among them and is no BIDS derivative.

    Example:
        >>> check_apart(Path("cohort/subjects.csv"), Path("cohort"))
        Traceback (most recent call last):
        anysyn.errors.UserError: the output cohort is the folder of cohort/subjects.csv; choose a folder of its own, ...
    """
    whole, inner = (data if data.is_dir() else data.parent).resolve(), out.resolve()
    if whole != inner and whole.is_relative_to(inner):
        raise UserError(
            f"the output {out} holds {data}, so synthetic images would lie among real ones; choose a folder beside"
        )
    if not data.is_dir():
        if whole == inner:
            raise UserError(
                f"the output {out} is the folder of {data}; choose a folder of its own, for example {out / 'completed'}"
            )
        return
    if not inner.is_relative_to(whole):
        return
    bids = is_bids(data)
    if not (bids and inner.relative_to(whole).parts[:1] == ("derivatives",)):
        where = f"{data / 'derivatives' / 'anysyn'} or a folder outside" if bids else "a folder outside"
        raise UserError(
            f"the output {out} lies in {data}, where synthetic images would pass for real ones; choose {where}"
        )


def check_images_apart(image: Path, out: Path) -> None:
    """Refuse an output that holds an image that a table lists, and so other real ones; anysyn's own may be there.

    Args:
        image: An image of the data, wherever it lies.
        out: The output of the completion.

    Raises:
        UserError: If so.

    Example:
        >>> check_images_apart(Path("cohort/sub-01/T1w.nii.gz"), Path("completed"))
    """
    if image.resolve().is_relative_to(out.resolve()) and not is_synthetic(image):
        raise UserError(
            f"the output {out} holds {image}, so synthetic images would lie among real ones; choose a folder of its own"
        )


def check_own(out: Path) -> None:
    """Refuse to add to a dataset that somebody else describes.

    Args:
        out: The output of the completion.

    Raises:
        UserError: If its description does not name anysyn.

    Example:
        >>> check_own(Path("nowhere"))
    """
    if (out / DESCRIPTION).exists() and not is_made_by_anysyn(out):
        raise UserError(
            f"the output {out} is a dataset of somebody else ({DESCRIPTION} does not name anysyn), where synthetic "
            "images would pass for its own; choose a folder of its own"
        )


def describe(out: Path, data: Path | None = None) -> None:
    """Write the description of a BIDS derivative, a README, and what a validator skips, each if there is none.

    Args:
        out: The dataset.
        data: The data that it is made from; sidecars name files of it by BIDS URIs.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> describe(folder)
        >>> is_made_by_anysyn(folder)
        True
    """
    path = out / DESCRIPTION
    if not path.exists():
        does = "Synthesis of the contrasts that people lack."
        by = {"Name": OURS, "Version": versions()["anysyn"], "Description": does}
        about = {"Name": f"anysyn: {NOTICE}", "BIDSVersion": "1.9.0", "DatasetType": "derivative"}
        links = _links(out, data) if data is not None else {}
        write_json(path, about | {"GeneratedBy": [by]} | links)
    for name, text in (("README", README), (".bidsignore", IGNORED)):
        if not any(out.glob(f"{name}*")):
            write_text(out / name, text)


def _links(out: Path, data: Path) -> dict[str, Any]:
    """Return where the BIDS URIs of the sidecars lead."""
    dataset = dataset_of(data)
    if dataset is None:
        return {}
    place = os.path.relpath(dataset.absolute(), out.absolute())
    return {"DatasetLinks": {RAW: Path(place).as_posix()}}
