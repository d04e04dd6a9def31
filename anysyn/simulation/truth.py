"""The truth that a simulated cohort keeps beside its images: whose it is, and which tissue is where."""

from __future__ import annotations

from pathlib import Path

from anysyn.data.subjects.tsv import read_table
from anysyn.data.volumes.volume import Volume, read_volume
from anysyn.errors import UserError
from anysyn.registry import suggest

TRUTH = Path("derivatives", "truth")
MASKS = Path("derivatives", "masks")


def known_subjects(cohort: Path) -> list[str]:
    """List the subjects of a cohort that any acquisition can be simulated of.

    Args:
        cohort: A folder that `simulate` made.

    Raises:
        UserError: If it is none.

    Example:
        >>> known_subjects(Path("nowhere"))
        Traceback (most recent call last):
        anysyn.errors.UserError: nowhere is no simulated cohort: it has no derivatives/truth/sub-*.json
    """
    known = sorted(path.stem for path in (cohort / TRUTH).glob("sub-*.json"))
    if not known:
        raise UserError(f"{cohort} is no simulated cohort: it has no {TRUTH.as_posix()}/sub-*.json")
    return known


def tissue_masks(cohort: Path, subject: str, *names: str) -> list[Volume]:
    """Read where tissues are the largest part of a voxel: 1 there and 0 elsewhere.

    Args:
        cohort: A folder that `simulate` made.
        subject: Its key.
        names: Tissues, for example ``"white"``.

    Returns:
        One volume for each name.

    Raises:
        UserError: If the cohort keeps no map of the tissues, or knows no such tissue.
    """
    table, path = cohort / MASKS / "dseg.tsv", cohort / MASKS / subject / "anat" / f"{subject}_dseg.nii.gz"
    for file in (table, path):
        if not file.is_file():
            raise UserError(f"{file} is missing, so nobody knows which tissue is where; simulate the cohort again")
    numbers = {row["name"]: int(row["index"]) for row in read_table(table)}
    labels = read_volume(path)
    for name in names:
        if name not in numbers:
            raise UserError(f"{table}: no tissue {name!r}; {suggest(name, numbers)}")
    return [Volume((labels.voxels.round() == numbers[name]).float(), labels.affine) for name in names]
